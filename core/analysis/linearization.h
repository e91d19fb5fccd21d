// A function at a point, recorded once, for as many products with its derivatives as are wanted. Internal.
#pragma once

#include <optional>
#include <vector>

#include "dagrad/core/tensor_function.h"

namespace dagrad {

class Linearization {
 public:
  /// Runs f at x. Throws UsageError unless it gives one tensor.
  Linearization(const char* caller, const TensorFunction& f, const Tensor& x);

  std::int64_t inputs() const { return x_.numel(); }
  std::int64_t outputs() const { return y_.numel(); }
  DType dtype() const { return x_.dtype(); }

  /// J^T u, J v and H v of plain numbers in row-major order.
  std::vector<double> pull_back(const std::vector<double>& u) const;
  std::vector<double> push_forward(const std::vector<double>& v);
  std::vector<double> curve(const std::vector<double>& v);

 private:
  /// d(from . weights)/d(to), zeros where nothing depends on it.
  static std::vector<double> product(const Tensor& from, const Tensor& to, const std::vector<double>& weights);

  Tensor x_, y_;
  std::optional<Tensor> slope_;  // J^T u as a function of u; or the gradient as a function of x
  Tensor u_;
};

}  // namespace dagrad
