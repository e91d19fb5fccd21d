// Whole Jacobians and Hessians of functions. For products with vectors: dagrad/core/functional.h.
#pragma once

#include <vector>

#include "dagrad/core/functional.h"

namespace dagrad {

struct JacobianOptions {
  bool create_graph = false;  ///< record the result, so that it can be differentiated by the inputs
  /// One Jacobian-vector product for each element of the inputs, instead of one backward for each element of the
  /// outputs: the better way when the inputs are the fewer.
  bool forward_mode = false;
};

/// result[k][i] = d(output k)/d(input i), of shape [output's shape..., input's shape...]; zero where nothing depends on
/// the input. `function` runs once. Throws DTypeError when an input or output is not floating, and what jvp() throws.
std::vector<std::vector<Tensor>> jacobian(const TensorFunction& function, const std::vector<Tensor>& inputs,
                                          JacobianOptions options = {});
/// The same for one input and one output.
Tensor jacobian(const TensorFunction& function, const Tensor& input, JacobianOptions options = {});

/// result[i][j] = d2(output)/(d(input i) d(input j)) of a function with one output of one element, of shape
/// [shape of i..., shape of j...].
std::vector<std::vector<Tensor>> hessian(const TensorFunction& function, const std::vector<Tensor>& inputs,
                                         JacobianOptions options = {});
/// The same for one input: [shape..., shape...].
Tensor hessian(const TensorFunction& function, const Tensor& input, JacobianOptions options = {});

}  // namespace dagrad
