#include "dagrad/ops/composed_gradient.h"

#include <algorithm>

#include "dagrad/core/backward.h"
#include "dagrad/core/cast.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using Tensors = std::vector<Tensor>;

/// The gradients one after the other in one tensor, since the number of an op's outputs is fixed: in the widest of
/// their types.
struct ComposedGradient {
  static constexpr std::string_view name = "composed_gradient";
  ComposedFunction function;
  std::vector<bool> wanted;  // for each of the function's inputs; behind these come the gradients of its results

  std::size_t input_count() const { return wanted.size(); }

  Spec infer(std::span<const Tensor> in) const {
    Spec spec{{0}, bf16};
    for (std::size_t i = 0; i < input_count(); ++i) {
      if (!wanted[i]) continue;
      spec.shape[0] += in[i].numel();
      if (in[i].dtype() != bf16) spec.dtype = in[i].dtype();
    }
    return spec;
  }

  void forward(Forward& ctx, std::span<const Tensor> in, Tensor& dst) const {
    for (const Tensor& t : in) ctx.save(t);
    // Apart from the graph that the inputs belong to: a backward pass may be walking that one.
    Tensors inputs;
    for (const Tensor& t : in.first(input_count())) inputs.push_back(t.defined() ? t.detach() : t);
    const Tensors gradients = recorded_gradient(function, inputs, in.subspan(input_count()), wanted);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < input_count(); ++i) {
      if (!wanted[i]) continue;
      Tensor part = dst.alias(in[i].shape(), contiguous_strides(in[i].shape()), at);
      if (gradients[i].defined())
        copy_elements(gradients[i], part);
      else
        part.zero_();
      at += part.numel();
    }
  }

  // The gradient of `inputs, gradients -> this`, which is a function made of ops in turn.
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    Tensors in;
    std::vector<bool> needed;
    for (std::size_t i = 0; i < ctx.input_count(); ++i) {
      in.push_back(ctx.saved(i));
      needed.push_back(ctx.needs(i));
    }
    const ComposedFunction itself = [op = *this](std::span<const Tensor> from) { return op.recorded_parts(from); };
    const Tensors given = composed_gradient(itself, in, parts(in, diff_dst), needed);
    for (std::size_t i = 0; i < given.size(); ++i) ctx.give(i, given[i]);
  }

  /// The pieces of `flat` that belong to each input; undefined for those that are not wanted.
  Tensors parts(std::span<const Tensor> in, const Tensor& flat) const {
    Tensors result(input_count());
    std::int64_t at = 0;
    for (std::size_t i = 0; i < input_count(); ++i) {
      if (!wanted[i]) continue;
      result[i] = cast(reshape(narrow(flat, 0, at, in[i].numel()), in[i].shape()), in[i].dtype(), Location::current());
      at += in[i].numel();
    }
    return result;
  }

 private:
  Tensors recorded_parts(std::span<const Tensor> in) const {
    return recorded_gradient(function, in.first(input_count()), in.subspan(input_count()), wanted);
  }
};

}  // namespace

std::vector<Tensor> recorded_gradient(const ComposedFunction& function, std::span<const Tensor> inputs,
                                      std::span<const Tensor> gradients, const std::vector<bool>& wanted) {
  const GradMode recording(true);
  Tensors from(inputs.begin(), inputs.end()), sources;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!wanted[i]) continue;
    if (!from[i].requires_grad()) from[i] = from[i].detach().requires_grad_();
    sources.push_back(from[i]);
  }
  const Tensors results = function(from);
  Tensors outputs, cotangents;
  for (std::size_t k = 0; k < results.size(); ++k) {
    if (!gradients[k].defined() || !results[k].defined() || !results[k].requires_grad()) continue;
    outputs.push_back(results[k]);
    cotangents.push_back(gradients[k]);
  }
  Tensors given(from.size());
  if (outputs.empty() || sources.empty()) return given;
  const Tensors found = grad(outputs, sources, cotangents, {.create_graph = true, .allow_unused = true});
  for (std::size_t i = 0, k = 0; i < from.size(); ++i) {
    if (wanted[i]) given[i] = found[k++];
  }
  return given;
}

std::vector<Tensor> composed_gradient(ComposedFunction function, std::span<const Tensor> inputs,
                                      std::span<const Tensor> gradients, const std::vector<bool>& wanted) {
  const auto is_defined = [](const Tensor& t) { return t.defined(); };
  if (std::none_of(gradients.begin(), gradients.end(), is_defined) ||
      std::find(wanted.begin(), wanted.end(), true) == wanted.end()) {
    return Tensors(inputs.size());
  }
  Tensors all(inputs.begin(), inputs.end());
  all.insert(all.end(), gradients.begin(), gradients.end());
  const ComposedGradient op{std::move(function), wanted};
  return op.parts(inputs, apply(op, Location::current(), std::span<const Tensor>(all)));
}

}  // namespace dagrad
