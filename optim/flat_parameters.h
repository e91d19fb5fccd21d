// All parameters of an optimizer as one vector of doubles. Internal.
#pragma once

#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::optim {

using FlatVector = std::vector<double>;

/// The elements of all tensors, one tensor after the other, each in row-major order.
FlatVector read_flat(const std::vector<Tensor>& tensors);
/// The gradients of parameters, zeros where there is none, times `factor`.
FlatVector read_flat_gradients(const std::vector<Tensor>& parameters, double factor);
/// The other way round; rounds to the tensors' types.
void write_flat(const FlatVector& values, const std::vector<Tensor>& tensors);

double dot(const FlatVector& a, const FlatVector& b);
/// y += factor x.
void add_scaled(FlatVector& y, double factor, const FlatVector& x);
double largest_magnitude(const FlatVector& x);
double sum_of_magnitudes(const FlatVector& x);

/// Puts the elements that the tensors had at the start back at the end of the scope, unless kept: so that a closure
/// that throws leaves the parameters as they were.
class Restore {
 public:
  explicit Restore(const std::vector<Tensor>& tensors);
  ~Restore();
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  void keep() { kept_ = true; }

 private:
  std::vector<Tensor> tensors_, copies_;
  bool kept_ = false;
};

}  // namespace dagrad::optim
