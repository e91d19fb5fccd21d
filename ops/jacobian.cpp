#include "dagrad/ops/jacobian.h"

#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/pull_back.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using Matrix = std::vector<std::vector<Tensor>>;  // [output][input]

/// 1 at a row-major position, else 0.
Tensor one_hot_like(const Tensor& like, std::int64_t position) {
  Tensor result = zeros(like.shape(), like.dtype());
  visit_dtype(like.dtype(), [&]<class T>(T) { result.mutable_data<T>()[position] = convert_to<T>(1.0); });
  return result;
}

Shape joined(const Shape& a, const Shape& b) {
  Shape result = a;
  for (int axis = 0; axis < b.rank(); ++axis) result.push_back(b[axis]);
  return result;
}

/// Derivatives of `of`, one for each element of `by` or the other way round, along a new axis.
Tensor assemble(const std::vector<Tensor>& parts, int axis, const Tensor& output, const Tensor& input) {
  const Shape shape = joined(output.shape(), input.shape());
  return parts.empty() ? zeros(shape, output.dtype()) : reshape(stack(parts, axis), shape);
}

/// One backward for each element of each output.
Matrix by_rows(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, bool create_graph) {
  Matrix result(outputs.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    Matrix rows(inputs.size());
    std::vector<Tensor> cotangents(outputs.size());
    for (std::int64_t e = 0; e < outputs[k].numel(); ++e) {
      cotangents[k] = one_hot_like(outputs[k], e);
      const std::vector<Tensor> row =
          pull_back(outputs, cotangents, inputs, {.create_graph = create_graph, .retain_graph = true});
      for (std::size_t i = 0; i < inputs.size(); ++i) rows[i].push_back(row[i]);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) result[k].push_back(assemble(rows[i], 0, outputs[k], inputs[i]));
  }
  return result;
}

/// One Jacobian-vector product for each element of each input; see jvp().
Matrix by_columns(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, bool create_graph) {
  std::vector<Tensor> by = placeholders(outputs);
  const std::vector<Tensor> pulled = pull_back_to_differentiate(outputs, by, inputs);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!by[k].defined()) by[k] = outputs[k].detach();  // a constant
  }
  Matrix result(outputs.size(), std::vector<Tensor>(inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Matrix columns(outputs.size());
    std::vector<Tensor> tangents(inputs.size());
    for (std::int64_t e = 0; e < inputs[i].numel(); ++e) {
      tangents[i] = one_hot_like(inputs[i], e);
      const std::vector<Tensor> column =
          pull_back(pulled, tangents, by, {.create_graph = create_graph, .retain_graph = true});
      for (std::size_t k = 0; k < outputs.size(); ++k) columns[k].push_back(column[k]);
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) result[k][i] = assemble(columns[k], -1, outputs[k], inputs[i]);
  }
  return result;
}

Matrix derivatives(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, JacobianOptions options) {
  return options.forward_mode ? by_columns(outputs, inputs, options.create_graph)
                              : by_rows(outputs, inputs, options.create_graph);
}

void check_floating(std::string_view caller, std::string_view what, const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!is_floating(tensors[i].dtype())) {
      throw DTypeError(
          fmt::format("{}: {} {} is {} (want f32, bf16 or f64)", caller, what, i, name_of(tensors[i].dtype())));
    }
  }
}

}  // namespace

std::vector<std::vector<Tensor>> jacobian(const TensorFunction& function, const std::vector<Tensor>& inputs,
                                          JacobianOptions options) {
  check_floating("jacobian", "input", inputs);
  const GradMode recording(true);
  const std::vector<Tensor> arguments = as_arguments(inputs, options.create_graph);
  const std::vector<Tensor> outputs = function(arguments);
  check_floating("jacobian", "output", outputs);
  const GradMode assembling(options.create_graph);
  return derivatives(outputs, arguments, options);
}

std::vector<std::vector<Tensor>> hessian(const TensorFunction& function, const std::vector<Tensor>& inputs,
                                         JacobianOptions options) {
  check_floating("hessian", "input", inputs);
  const GradMode recording(true);
  const std::vector<Tensor> arguments = as_arguments(inputs, options.create_graph);
  const std::vector<Tensor> outputs = function(arguments);
  if (outputs.size() != 1 || outputs[0].numel() != 1) {
    throw ShapeError(fmt::format("hessian: the function has {} outputs{} (want one, of one element)", outputs.size(),
                                 outputs.size() == 1 ? ", shape " + outputs[0].shape().str() : ""));
  }
  check_floating("hessian", "output", outputs);
  const std::vector<Tensor> slopes = pull_back_to_differentiate(outputs, {ones_like(outputs[0])}, arguments);
  const GradMode assembling(options.create_graph);
  return derivatives(slopes, arguments, options);
}

Tensor jacobian(const TensorFunction& function, const Tensor& input, JacobianOptions options) {
  const auto result = jacobian(function, std::vector<Tensor>{input}, options);
  if (result.size() != 1)
    throw UsageError(fmt::format("jacobian: the function has {} outputs (want one)", result.size()));
  return result[0][0];
}

Tensor hessian(const TensorFunction& function, const Tensor& input, JacobianOptions options) {
  return hessian(function, std::vector<Tensor>{input}, options)[0][0];
}

}  // namespace dagrad
