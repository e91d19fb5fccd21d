#include "dagrad/core/functional.h"

#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/pull_back.h"

namespace dagrad {
namespace {

/// Throws unless there is a vector for each tensor, of its shape and type (or undefined).
void check_vectors(std::string_view caller, std::string_view what, const std::vector<Tensor>& vectors,
                   std::string_view like, const std::vector<Tensor>& tensors) {
  if (vectors.size() != tensors.size()) {
    throw UsageError(fmt::format("{}: {} {}s for {} {}s (want one each; undefined ones are zero)", caller,
                                 vectors.size(), what, tensors.size(), like));
  }
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (!vectors[i].defined()) continue;
    if (vectors[i].shape() != tensors[i].shape()) {
      throw ShapeError(fmt::format("{}: {} {} has shape {} (want {} like the {})", caller, what, i,
                                   vectors[i].shape().str(), tensors[i].shape().str(), like));
    }
    if (vectors[i].dtype() != tensors[i].dtype()) {
      throw DTypeError(fmt::format("{}: {} {} is {} (want {} like the {})", caller, what, i,
                                   name_of(vectors[i].dtype()), name_of(tensors[i].dtype()), like));
    }
  }
}

/// What the caller gets of `outputs`: without the graph, unless it was asked for.
std::vector<Tensor> results(std::vector<Tensor> outputs, bool create_graph) {
  if (!create_graph) {
    for (Tensor& output : outputs) output = output.detach();
  }
  return outputs;
}

void check_one_output(std::string_view caller, const std::vector<Tensor>& outputs) {
  if (outputs.size() != 1)
    throw UsageError(fmt::format("{}: the function has {} outputs (want one)", caller, outputs.size()));
}

Product only(std::string_view caller, Products products) {
  check_one_output(caller, products.outputs);
  return {std::move(products.outputs[0]), std::move(products.products[0])};
}

}  // namespace

Products vjp(const TensorFunction& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& cotangents,
             FunctionalOptions options) {
  function.check_arity("vjp", inputs.size());
  const GradMode recording(true);
  const std::vector<Tensor> arguments = as_arguments(inputs, options.create_graph);
  std::vector<Tensor> outputs = function(arguments);
  std::vector<Tensor> vectors = cotangents;
  if (vectors.empty()) {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k].numel() != 1) {
        throw ShapeError(
            fmt::format("vjp: output {} has shape {} (want one element, or cotangents)", k, outputs[k].shape().str()));
      }
      vectors.push_back(is_floating(outputs[k].dtype()) ? ones_like(outputs[k]) : Tensor());
    }
  }
  check_vectors("vjp", "cotangent", vectors, "output", outputs);
  std::vector<Tensor> products = pull_back(outputs, vectors, arguments, {.create_graph = options.create_graph});
  return {results(std::move(outputs), options.create_graph), std::move(products)};
}

Products jvp(const TensorFunction& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
             FunctionalOptions options) {
  function.check_arity("jvp", inputs.size());
  check_vectors("jvp", "tangent", tangents, "input", inputs);
  const GradMode recording(true);
  const std::vector<Tensor> arguments = as_arguments(inputs, options.create_graph);
  std::vector<Tensor> outputs = function(arguments);
  const std::vector<Tensor> vectors = placeholders(outputs);
  const std::vector<Tensor> pulled = pull_back_to_differentiate(outputs, vectors, arguments);
  std::vector<Tensor> by(outputs.size());
  for (std::size_t k = 0; k < outputs.size(); ++k)
    by[k] = vectors[k].defined() ? vectors[k] : outputs[k].detach();  // a constant: its product is zero
  std::vector<Tensor> products = pull_back(pulled, tangents, by, {.create_graph = options.create_graph});
  return {results(std::move(outputs), options.create_graph), std::move(products)};
}

Products hvp(const TensorFunction& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
             FunctionalOptions options) {
  function.check_arity("hvp", inputs.size());
  check_vectors("hvp", "vector", vectors, "input", inputs);
  const GradMode recording(true);
  const std::vector<Tensor> arguments = as_arguments(inputs, options.create_graph);
  std::vector<Tensor> outputs = function(arguments);
  check_one_output("hvp", outputs);
  if (outputs[0].numel() != 1)
    throw ShapeError(fmt::format("hvp: the output has shape {} (want one element)", outputs[0].shape().str()));
  const std::vector<Tensor> slope = pull_back_to_differentiate(outputs, {ones_like(outputs[0])}, arguments);
  std::vector<Tensor> products = pull_back(slope, vectors, arguments, {.create_graph = options.create_graph});
  return {results(std::move(outputs), options.create_graph), std::move(products)};
}

std::vector<Tensor> hvp(const Tensor& output, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
                        const GradOptions& options) {
  check_vectors("hvp", "vector", vectors, "input", inputs);
  if (output.numel() != 1)
    throw ShapeError(fmt::format("hvp: the output has shape {} (want one element)", output.shape().str()));
  std::vector<Tensor> slope = grad_to_differentiate("hvp", {&output, 1}, inputs, {}, options.allow_unused);
  std::vector<Tensor> by = vectors;
  for (std::size_t i = 0; i < slope.size(); ++i) {
    if (slope[i].defined()) continue;  // an input that is not used: its product is zero, and so is what it adds
    slope[i] = inputs[i].detach();
    by[i] = {};
  }
  return pull_back(slope, by, inputs, options);
}

Tensor hvp(const Tensor& output, const Tensor& input, const Tensor& vector, const GradOptions& options) {
  return hvp(output, std::vector<Tensor>{input}, std::vector<Tensor>{vector}, options)[0];
}

Product vjp(const TensorFunction& function, const Tensor& input, const Tensor& cotangent, FunctionalOptions options) {
  std::vector<Tensor> cotangents;
  if (cotangent.defined()) cotangents.push_back(cotangent);
  return only("vjp", vjp(function, std::vector<Tensor>{input}, cotangents, options));
}

Product jvp(const TensorFunction& function, const Tensor& input, const Tensor& tangent, FunctionalOptions options) {
  return only("jvp", jvp(function, std::vector<Tensor>{input}, std::vector<Tensor>{tangent}, options));
}

Product hvp(const TensorFunction& function, const Tensor& input, const Tensor& vector, FunctionalOptions options) {
  return only("hvp", hvp(function, std::vector<Tensor>{input}, std::vector<Tensor>{vector}, options));
}

}  // namespace dagrad
