#include "dagrad/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/change_gradient.h"
#include "dagrad/optim/gradients.h"

namespace dagrad::optim {
namespace {

void check_norm(std::string_view function, double max_norm, double norm_type) {
  if (!(max_norm >= 0)) throw UsageError(fmt::format("{}: max_norm is {} (want a number >= 0)", function, max_norm));
  if (!(norm_type > 0)) throw UsageError(fmt::format("{}: norm_type is {} (want a number > 0)", function, norm_type));
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
  if (watched(Watch::capture))
    Capture::refuse("grad_norm: the elements of gradients are read",
                    "clip_grad_norm_, or the reading in each_replay()");
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
  if (watched(Watch::capture))
    return each_replay("clip_grad_norm_", [=] { return clip_grad_norm_(parameters, max_norm, options); });
  const double norm = checked_grad_norm("clip_grad_norm_", parameters, max_norm, options);
  const double factor = clip_coefficient(norm, max_norm);
  for (const Tensor& p : parameters) scale_gradient(p, factor);
  return norm;
}

std::vector<double> clip_each_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                                         const ClipNormOptions& options) {
  if (watched(Watch::capture))
    return each_replay("clip_each_grad_norm_", [=] { return clip_each_grad_norm_(parameters, max_norm, options); });
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
  if (watched(Watch::capture))
    return each_replay("clip_grad_value_", [=] { clip_grad_value_(parameters, lower, upper); });
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
  if (watched(Watch::capture)) {
    return each_replay("step_with_clipped_norm",
                       [=, &optimizer] { return step_with_clipped_norm(optimizer, max_norm, options); });
  }
  const double norm = checked_grad_norm("step_with_clipped_norm", optimizer.parameters(), max_norm, options);
  optimizer.step({.grad_scale = clip_coefficient(norm, max_norm)});
  return norm;
}

}  // namespace dagrad::optim
