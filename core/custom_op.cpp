#include "dagrad/core/custom_op.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad {

std::vector<Tensor> CustomOp::forward(Forward& ctx, std::span<const Tensor> inputs) const {
  ctx.refuse_intermediates();
  std::vector<Tensor> outputs = definition->forward(ctx, inputs);
  if (outputs.empty()) throw UsageError(fmt::format("{}: its forward gave no outputs (want at least one)", name));
  return outputs;
}

void CustomOp::backward(Backward& ctx, std::span<const Tensor> diff) const {
  // A gradient made of ops has a history when these have one; so that one without gives itself away.
  boost::container::small_vector<Tensor, 4> tracked(diff.begin(), diff.end());
  if (grad_enabled()) {
    for (Tensor& gradient : tracked) {
      if (gradient.defined() && !gradient.requires_grad()) gradient = gradient.detach().requires_grad_();
    }
  }
  const std::span<const Tensor> gradients(tracked.data(), tracked.size());
  std::vector<Tensor> given = definition->backward(ctx, gradients);
  if (!given.empty() && given.size() != ctx.input_count()) {  // too few would be zeros that nobody asked for
    throw UsageError(
        fmt::format("{}: its backward gave {} gradients for {} inputs (want one each, undefined where there "
                    "is none, or ctx.give())",
                    name, given.size(), ctx.input_count()));
  }
  for (std::size_t i = 0; i < given.size(); ++i) ctx.give(i, std::move(given[i]));
  if (grad_enabled())
    ctx.refuse_second_derivative(gradients, "its backward computed the gradient outside of ops", false);
}

void detail::throw_custom_arity(std::string_view name, std::size_t count, std::size_t arity) {
  throw UsageError(fmt::format("{}: {} inputs (want {})", name, count, arity));
}

}  // namespace dagrad
