// Norms and finiteness of gradients. Internal.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::optim {

/// Which norm: the sums add |x|^p; maximum is p = infinity.
struct NormType {
  explicit NormType(double norm_type) : p(norm_type) {}
  double p;
  bool is_maximum() const { return p > 1e308; }
};

/// The p-norm of each tensor (0 for an undefined or empty one), accumulated in double, in an order that does not depend
/// on the number of threads. NaN where an element is NaN.
std::vector<double> norms(std::span<const Tensor> tensors, NormType type);
/// The p-norm of the vector of norms.
double joined_norm(std::span<const double> norms, NormType type);

/// The gradients of tensors, undefined where there is none.
std::vector<Tensor> gradients_of(std::span<const Tensor> parameters);

/// Throws GradientError `owner: the gradient of parameter ... is nan at [i, j]` for the first element that is NaN or
/// infinite.
void check_finite_gradients(std::string_view owner, std::span<const Tensor> parameters);
bool has_nonfinite_gradient(std::span<const Tensor> parameters);

}  // namespace dagrad::optim
