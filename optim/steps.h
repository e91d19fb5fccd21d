// The passes over memory of the optimizers' steps, vectorised. Internal.
#pragma once

#include <cstdint>

namespace dagrad::optim {

/// p -= lr (g + weight_decay p) for `count` elements.
struct SgdStep {
  double lr, weight_decay, momentum, dampening;
  bool nesterov, first;  // first: the momentum buffer starts as g
};
void sgd_step(const SgdStep& step, float* p, const float* g, float* buffer, std::int64_t count);
void sgd_step(const SgdStep& step, double* p, const double* g, double* buffer, std::int64_t count);

struct AdamStep {
  double step_size;        // lr / (1 - b1^t)
  double root_correction;  // 1 / sqrt(1 - b2^t)
  double b1, b2, eps, weight_decay;
};
/// `largest` is null without amsgrad.
void adam_step(const AdamStep& step, float* p, const float* g, float* m, float* v, float* largest, std::int64_t count);
void adam_step(const AdamStep& step, double* p, const double* g, double* m, double* v, double* largest,
               std::int64_t count);

}  // namespace dagrad::optim
