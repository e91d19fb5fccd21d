#include "dagrad/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/density.h"
#include "dagrad/optim/gradients.h"

namespace dagrad::optim {
namespace {

constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread

void check_norm(std::string_view function, double max_norm, double norm_type) {
  if (!(max_norm >= 0)) throw UsageError(fmt::format("{}: max_norm is {} (want a number >= 0)", function, max_norm));
  if (!(norm_type > 0)) throw UsageError(fmt::format("{}: norm_type is {} (want a number > 0)", function, norm_type));
}

/// Replaces every element x of the parameter's gradient by f(x), in place; a gradient that is recorded, or whose
/// elements share memory with each other, is replaced by a tensor of its own.
template <class F>
void change_gradient(const Tensor& parameter, const F& f) {
  Tensor gradient = parameter.grad();
  if (gradient.requires_grad() || !is_dense(gradient)) {
    Tensor own = dense_like(parameter, gradient.dtype());
    copy_elements(gradient, own);
    parameter.set_grad(own);
    gradient = own;
  }
  const auto run = [&]<class T>(T) {
    T* g = gradient.mutable_data<T>();
    parallel_for(gradient.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if constexpr (std::is_same_v<T, BFloat16>)
          g[i] = BFloat16(f(static_cast<float>(g[i])));
        else
          g[i] = f(g[i]);
      }
    });
  };
  switch (gradient.dtype()) {
    case DType::f64: run(double{}); break;
    case DType::bf16: run(BFloat16{}); break;
    default: run(float{}); break;
  }
}

void scale_gradient(const Tensor& parameter, double factor) {
  if (factor == 1 || !parameter.grad().defined()) return;
  change_gradient(parameter, [factor](auto x) { return x * static_cast<decltype(x)>(factor); });
}

double checked_grad_norm(std::string_view function, const std::vector<Tensor>& parameters, double max_norm,
                         const ClipNormOptions& options) {
  check_norm(function, max_norm, options.norm_type);
  const double norm = grad_norm(parameters, options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(norm)) check_finite_gradients(function, parameters);
  return norm;
}

}  // namespace

double grad_norm(const std::vector<Tensor>& parameters, double norm_type) {
  check_norm("grad_norm", 0, norm_type);
  const NormType type(norm_type);
  return joined_norm(norms(gradients_of(parameters), type), type);
}

double clip_coefficient(double norm, double max_norm) {
  check_norm("clip_coefficient", max_norm, 1);
  const double factor = max_norm / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, const ClipNormOptions& options) {
  const double norm = checked_grad_norm("clip_grad_norm_", parameters, max_norm, options);
  const double factor = clip_coefficient(norm, max_norm);
  for (const Tensor& p : parameters) scale_gradient(p, factor);
  return norm;
}

std::vector<double> clip_each_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                                         const ClipNormOptions& options) {
  check_norm("clip_each_grad_norm_", max_norm, options.norm_type);
  std::vector<double> before = norms(gradients_of(parameters), NormType(options.norm_type));
  const bool finite = std::all_of(before.begin(), before.end(), [](double norm) { return std::isfinite(norm); });
  if (options.error_if_nonfinite && !finite) check_finite_gradients("clip_each_grad_norm_", parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    scale_gradient(parameters[i], clip_coefficient(before[i], max_norm));
  return before;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  if (!(clip_value >= 0))
    throw UsageError(fmt::format("clip_grad_value_: clip_value is {} (want a number >= 0)", clip_value));
  clip_grad_value_(parameters, -clip_value, clip_value);
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double lower, double upper) {
  if (!(lower <= upper))
    throw UsageError(fmt::format("clip_grad_value_: lower is {} and upper is {} (want lower <= upper)", lower, upper));
  for (const Tensor& p : parameters) {
    if (!p.grad().defined()) continue;
    change_gradient(p, [=](auto x) {
      using T = decltype(x);
      const auto low = static_cast<T>(lower), high = static_cast<T>(upper);
      return x < low ? low : (x > high ? high : x);
    });
  }
}

double step_with_clipped_norm(Optimizer& optimizer, double max_norm, const ClipNormOptions& options) {
  const double norm = checked_grad_norm("step_with_clipped_norm", optimizer.parameters(), max_norm, options);
  optimizer.step({.grad_scale = clip_coefficient(norm, max_norm)});
  return norm;
}

}  // namespace dagrad::optim
