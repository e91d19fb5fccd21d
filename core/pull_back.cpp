#include "dagrad/core/pull_back.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/op.h"

namespace dagrad {
namespace {

/// The same elements under another node, so that an argument is not mistaken for the tensor that was passed.
struct Argument {
  static constexpr std::string_view name = "argument";
  Tensor view(const Tensor& src) const { return src.detach(); }
  // diff_src = diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst); }
};

}  // namespace

std::vector<Tensor> as_arguments(const std::vector<Tensor>& inputs, bool keep_history) {
  std::vector<Tensor> result = inputs;
  for (Tensor& input : result) {
    if (!is_floating(input.dtype())) continue;
    input = keep_history && input.requires_grad() ? apply(Argument{}, Location::current(), input)
                                                  : input.detach().requires_grad_();
  }
  return result;
}

namespace {

/// `gradients_of(outputs, inputs, vectors)` for what has a history and a vector; zeros for the rest.
template <class GradientsOf>
std::vector<Tensor> pull_back_by(const std::vector<Tensor>& outputs, const std::vector<Tensor>& vectors,
                                 const std::vector<Tensor>& inputs, const GradientsOf& gradients_of) {
  std::vector<Tensor> from, start, wanted;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!vectors[k].defined() || !outputs[k].requires_grad()) continue;
    from.push_back(outputs[k]);
    start.push_back(vectors[k]);
  }
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) wanted.push_back(input);
  }
  std::vector<Tensor> found;
  if (!from.empty() && !wanted.empty()) found = gradients_of(from, wanted, start);
  std::vector<Tensor> result(inputs.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].requires_grad() && !found.empty()) result[i] = found[next++];
    if (!result[i].defined() && is_floating(inputs[i].dtype())) result[i] = zeros_like(inputs[i]);
  }
  return result;
}

}  // namespace

std::vector<Tensor> pull_back(const std::vector<Tensor>& outputs, const std::vector<Tensor>& vectors,
                              const std::vector<Tensor>& inputs, GradOptions options) {
  options.allow_unused = true;
  return pull_back_by(outputs, vectors, inputs, [&](const auto& from, const auto& wanted, const auto& start) {
    return grad(from, wanted, start, options);
  });
}

std::vector<Tensor> pull_back_to_differentiate(const std::vector<Tensor>& outputs, const std::vector<Tensor>& vectors,
                                               const std::vector<Tensor>& inputs) {
  return pull_back_by(outputs, vectors, inputs, [](const auto& from, const auto& wanted, const auto& start) {
    return grad_to_differentiate("grad", from, wanted, start, true);
  });
}

std::vector<Tensor> placeholders(const std::vector<Tensor>& outputs) {
  Generator generator(0x6a7670);
  std::vector<Tensor> result(outputs.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].requires_grad()) continue;
    result[k] = uniform(outputs[k].shape(), 0.5, 1.5, outputs[k].dtype(), generator).requires_grad_();
  }
  return result;
}

}  // namespace dagrad
