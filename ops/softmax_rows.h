// Row kernels of softmax and cross-entropy. Internal.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dagrad/core/parallel.h"

namespace dagrad::softmax_rows {

/// Calls `body(i)` for each row, sharing the rows out among threads; each row is one thread's, so that results do not
/// depend on their number.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t columns, const Body& body) {
  constexpr std::int64_t kGrain = 16 << 10;  // elements that are worth a thread (an exp costs about 0.1 ns)
  if (rows * columns <= kGrain) {
    for (std::int64_t i = 0; i < rows; ++i) body(i);
    return;
  }
  parallel_for(rows, std::max<std::int64_t>(1, kGrain / columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

/// log(sum(exp(x))) = top + log, in two parts: their sum would lose the digits of `log` where `top` is large.
template <class T>
struct LogSum {
  T top;  // the largest element
  T log;  // log(sum(exp(x - top)))
};

/// Of `count` elements; top is -inf and log is 0 when all are -inf (or there are none), top is NaN when an element is.
LogSum<float> log_sum_exp(const float* x, std::int64_t count);
LogSum<double> log_sum_exp(const double* x, std::int64_t count);

/// dst = x - log(sum(exp)), given that.
void subtract(const float* x, LogSum<float> sum, float* dst, std::int64_t count);
void subtract(const double* x, LogSum<double> sum, double* dst, std::int64_t count);

/// dst = scale exp(x - log(sum(exp))).
void scaled_exp(const float* x, LogSum<float> sum, float scale, float* dst, std::int64_t count);
void scaled_exp(const double* x, LogSum<double> sum, double scale, double* dst, std::int64_t count);

/// dst = y (g - sum(g y)): the gradient of softmax with the result y.
void softmax_backward(const float* g, const float* y, float* dst, std::int64_t count);
void softmax_backward(const double* g, const double* y, double* dst, std::int64_t count);

/// sum of weight[i] (top - x[i]), where an element of weight 0 counts for nothing, even at infinity. Without weights
/// (null) they are 1.
float sum_below(const float* x, float top, const float* weight, std::int64_t count);
double sum_below(const double* x, double top, const double* weight, std::int64_t count);

}  // namespace dagrad::softmax_rows
