#include "dagrad/optim/flat_parameters.h"

#include <algorithm>
#include <cmath>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"

namespace dagrad::optim {
namespace {

/// The elements of `tensor` as doubles at `to`.
void read(const Tensor& tensor, double* to) {
  Tensor view = from_blob(to, tensor.shape(), f64);
  copy_elements(tensor, view);
}

std::size_t count_of(const std::vector<Tensor>& tensors) {
  std::int64_t count = 0;
  for (const Tensor& t : tensors) count += t.numel();
  return static_cast<std::size_t>(count);
}

}  // namespace

FlatVector read_flat(const std::vector<Tensor>& tensors) {
  FlatVector values(count_of(tensors));
  double* next = values.data();
  for (const Tensor& t : tensors) {
    read(t, next);
    next += t.numel();
  }
  return values;
}

FlatVector read_flat_gradients(const std::vector<Tensor>& parameters, double factor) {
  FlatVector values(count_of(parameters), 0);
  double* next = values.data();
  for (const Tensor& p : parameters) {
    if (const Tensor gradient = p.grad(); gradient.defined()) read(gradient, next);
    next += p.numel();
  }
  for (double& value : values) value *= factor;
  return values;
}

void write_flat(const FlatVector& values, const std::vector<Tensor>& tensors) {
  const double* next = values.data();
  for (Tensor t : tensors) {
    const Tensor view = from_blob(const_cast<double*>(next), t.shape(), f64);  // only read
    copy_elements(view, t);
    next += t.numel();
  }
}

double dot(const FlatVector& a, const FlatVector& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

void add_scaled(FlatVector& y, double factor, const FlatVector& x) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += factor * x[i];
}

double largest_magnitude(const FlatVector& x) {
  double largest = 0;
  for (const double v : x) largest = std::max(largest, std::abs(v));
  return largest;
}

double sum_of_magnitudes(const FlatVector& x) {
  double total = 0;
  for (const double v : x) total += std::abs(v);
  return total;
}

Restore::Restore(const std::vector<Tensor>& tensors) : tensors_(tensors) {
  for (const Tensor& t : tensors) {
    Tensor copy = empty(t.shape(), t.dtype());
    copy_elements(t, copy);
    copies_.push_back(copy);
  }
}

Restore::~Restore() {
  if (kept_) return;
  for (std::size_t i = 0; i < tensors_.size(); ++i) copy_elements(copies_[i], tensors_[i]);
}

}  // namespace dagrad::optim
