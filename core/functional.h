// Derivatives of functions, rather than of recorded tensors.
//
//   const auto f = [](const Tensor& x) { return sum(tanh(x) * x); };
//   const auto [y, slope] = jvp(f, x, v);   // y = f(x), slope = J v
//   const auto [z, curve] = hvp(f, x, v);   // curve = H v
//   const std::vector<Tensor> curves = hvp(loss, model.parameters(), vectors);  // of what is recorded
//
// But for the last, each runs the function anew and differentiates with respect to its arguments alone: whether x
// requires a gradient makes no difference, no leaf's grad is touched, and a tensor that the function reaches by another
// way counts as a constant, also when it is x. Jacobians and Hessians as a whole: dagrad/ops/jacobian.h.
#pragma once

#include <vector>

#include "dagrad/core/backward.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

struct FunctionalOptions {
  bool create_graph = false;  ///< record the results, so that they can be differentiated by the inputs and vectors
};

/// What a function gave, and the derivative applied to a vector.
struct Products {
  std::vector<Tensor> outputs;
  std::vector<Tensor> products;
};
/// The same for a function of one tensor.
struct Product {
  Tensor output;
  Tensor product;
};

/// Vector-Jacobian products, by reverse mode: products[i] = sum_k cotangents[k] . d(outputs[k])/d(inputs[i]), zero
/// where nothing depends on input i, undefined for integers. Without cotangents each output must have one element. An
/// undefined cotangent leaves its output out. Throws ShapeError, DTypeError or UsageError when cotangents and outputs
/// do not match, and what `function` and its backward throw.
Products vjp(const TensorFunction& function, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& cotangents = {}, FunctionalOptions options = {});
Product vjp(const TensorFunction& function, const Tensor& input, const Tensor& cotangent = {},
            FunctionalOptions options = {});

/// Jacobian-vector products, as forward mode gives them: products[k] = sum_i d(outputs[k])/d(inputs[i]) tangents[i],
/// for inputs and tangents of one shape each; an undefined tangent is zero.
///
/// A vector-Jacobian product is linear in its vector, so the derivative by that vector is the Jacobian-vector product
/// ("double backward"). That is right for whatever can be differentiated twice, and costs one forward and two backwards
/// however many inputs there are. An op without a second derivative makes it throw GradientError.
Products jvp(const TensorFunction& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents,
             FunctionalOptions options = {});
Product jvp(const TensorFunction& function, const Tensor& input, const Tensor& tangent, FunctionalOptions options = {});

/// Hessian-vector products of a function with one output of one element: products[i] = sum_j d2(output)/d(inputs[i])
/// d(inputs[j]) vectors[j]; an undefined vector is zero. Costs two backwards.
Products hvp(const TensorFunction& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
             FunctionalOptions options = {});
Product hvp(const TensorFunction& function, const Tensor& input, const Tensor& vector, FunctionalOptions options = {});
/// The same of what is recorded, a model's loss by its parameters, say: products[i] = sum_j d2(output)/d(inputs[i])
/// d(inputs[j]) vectors[j]. The graph is freed as far as the second backward goes over it, unless one of
/// the options keeps it; no leaf's grad is touched. Cheaper
/// than two calls of grad: the elements of the first gradient are not computed where only its derivative is wanted.
/// Throws GradientError when an input or the output requires no gradient, or the output does not depend on an input
/// (unless `allow_unused`: its product is zero), ShapeError, DTypeError or UsageError when output, inputs and vectors
/// do not match.
std::vector<Tensor> hvp(const Tensor& output, const std::vector<Tensor>& inputs, const std::vector<Tensor>& vectors,
                        const GradOptions& options = {});
Tensor hvp(const Tensor& output, const Tensor& input, const Tensor& vector, const GradOptions& options = {});

}  // namespace dagrad
