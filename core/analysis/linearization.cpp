#include "dagrad/core/analysis/linearization.h"

#include <fmt/format.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad {
namespace {

Tensor tensor_of(const std::vector<double>& values, const Tensor& like) {
  Tensor t = Tensor::allocate({like.shape(), like.dtype()});
  visit_dtype(t.dtype(), [&]<class T>(T) {
    T* const to = t.mutable_data<T>();
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = convert_to<T>(values[i]);
  });
  return t;
}

}  // namespace

Linearization::Linearization(const char* caller, const TensorFunction& f, const Tensor& x)
    : x_(x.detach().requires_grad_()) {
  const GradMode record(true);
  std::vector<Tensor> results = f({&x_, 1});
  if (results.size() != 1 || !results[0].defined())
    throw UsageError(fmt::format("{}: the function gives {} tensors (want one)", caller, results.size()));
  y_ = std::move(results[0]);
}

std::vector<double> Linearization::product(const Tensor& from, const Tensor& to, const std::vector<double>& weights) {
  if (!from.requires_grad()) return std::vector<double>(static_cast<std::size_t>(to.numel()));
  const Tensor w = tensor_of(weights, from);
  const Tensor result = grad({&from, 1}, {&to, 1}, {&w, 1}, {.retain_graph = true, .allow_unused = true})[0];
  return result.defined() ? result.to_vector<double>() : std::vector<double>(static_cast<std::size_t>(to.numel()));
}

std::vector<double> Linearization::pull_back(const std::vector<double>& u) const { return product(y_, x_, u); }

std::vector<double> Linearization::push_forward(const std::vector<double>& v) {
  if (!slope_) {
    u_ = zeros(y_.shape(), y_.dtype()).requires_grad_();
    slope_ = y_.requires_grad() ? grad({&y_, 1}, {&x_, 1}, {&u_, 1}, {.create_graph = true, .allow_unused = true})[0]
                                : Tensor();
    if (!slope_->defined()) slope_ = zeros(x_.shape(), x_.dtype());
  }
  return product(*slope_, u_, v);
}

std::vector<double> Linearization::curve(const std::vector<double>& v) {
  if (!slope_) {
    slope_ =
        y_.requires_grad() ? grad({&y_, 1}, {&x_, 1}, {}, {.create_graph = true, .allow_unused = true})[0] : Tensor();
    if (!slope_->defined()) slope_ = zeros(x_.shape(), x_.dtype());
  }
  return product(*slope_, x_, v);
}

}  // namespace dagrad
