// The step that all trainings have in common.
#pragma once

#include <memory>
#include <utility>

#include "dagrad/core/autocast.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "workloads/workload.h"

namespace dagrad::workloads {

enum class Rule : std::uint8_t { sgd, adam };

/// Bytes that the rule moves at least for a parameter: it, its gradient and the moments read, all but the gradient
/// written.
inline double bytes_per_parameter(Rule rule) { return rule == Rule::sgd ? 12 : 28; }

inline std::shared_ptr<optim::Optimizer> make(Rule rule, const std::vector<Tensor>& parameters) {
  if (rule == Rule::sgd) return std::make_shared<optim::SGD>(parameters, optim::SgdOptions{.lr = 1e-3});
  return std::make_shared<optim::Adam>(parameters);
}

/// A step of `rule` on the cross-entropy of logits = net(x); products are in bf16 where `dtype` is.
template <class Net>
Step training_step(std::shared_ptr<Net> net, std::shared_ptr<optim::Optimizer> optimizer, Tensor x, Tensor y,
                   DType dtype) {
  return [=] {
    optimizer->zero_grad();
    Tensor logits;
    {
      const Autocast guard(dtype == bf16);
      logits = (*net)(x);
    }
    cross_entropy(to(logits, f32), y).backward();
    optimizer->step();
  };
}

}  // namespace dagrad::workloads
