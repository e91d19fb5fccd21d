#include "dagrad/ops/interpolate.h"

#include <cmath>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/interpolation_kernel.h"

namespace dagrad {
namespace {

using interpolation::Axis;
using interpolation::Rule;
using interpolation::Taps;

/// The three spatial axes; those that are not there come first, with one element.
using Axes3 = std::array<Axis, 3>;

/// Which of them is spatial axis `axis` of `spatial`.
std::size_t number_of(int spatial, int axis) {
  const int number = 3 - spatial + axis;
  return static_cast<std::size_t>(number);
}

/// src without gaps, in the order that dst has.
Tensor lying_as(const Tensor& dst, const Tensor& src) {
  return dst.is_contiguous() ? contiguous_data(src) : channels_last_data(src);
}

/// The shape of `src` with the axes' sizes.
Spec with_sizes(const Tensor& src, const Axes3& axes, std::int64_t Axis::*size) {
  Spec spec = src.spec_with_format();
  const int spatial = src.dim() - 2;
  for (int axis = 0; axis < spatial; ++axis) spec.shape[2 + axis] = axes[number_of(spatial, axis)].*size;
  return spec;
}

struct InterpolateBackward;

struct Interpolate {
  static constexpr std::string_view name = "interpolate";
  Axes3 axes;
  std::string_view mode;
  bool align_corners = false;

  std::string attributes() const {
    return fmt::format("mode={}, {}x{}x{} to {}x{}x{}{}", mode, axes[0].in, axes[1].in, axes[2].in, axes[0].out,
                       axes[1].out, axes[2].out, align_corners ? ", align_corners" : "");
  }
  Spec infer(const Tensor& src) const { return with_sizes(src, axes, &Axis::out); }
  // dst[p] = sum of weight(p, s) src[s], the weights the product of those along each axis
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    interpolation::resample({Taps(axes[0]), Taps(axes[1]), Taps(axes[2])}, lying_as(dst, src), dst);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct InterpolateBackward {
  static constexpr std::string_view name = "interpolate_backward";
  Interpolate forward_op;

  std::string attributes() const { return forward_op.attributes(); }
  Spec infer(const Tensor& diff_dst) const { return with_sizes(diff_dst, forward_op.axes, &Axis::in); }
  // diff_src[s] = sum of weight(p, s) diff_dst[p]
  void forward(Forward&, const Tensor& diff_dst, Tensor& diff_src) const {
    const Axes3& axes = forward_op.axes;
    interpolation::resample({Taps(axes[0]).transposed(), Taps(axes[1]).transposed(), Taps(axes[2]).transposed()},
                            lying_as(diff_src, diff_dst), diff_src);
  }
  // diff(diff_dst) = the cotangent, interpolated
  void backward(Backward& ctx, const Tensor& s) const { ctx.give(0, apply(forward_op, Location::current(), s)); }
};

// diff_src[s] = sum of weight(p, s) diff_dst[p]: the adjoint, whose own is the interpolation
void Interpolate::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, apply(InterpolateBackward{*this}, Location::current(), diff_dst));
}

// --- checks ---

/// How many spatial axes a mode is for; 0: any number.
int axes_of(InterpolateMode mode) {
  switch (mode) {
    case InterpolateMode::linear: return 1;
    case InterpolateMode::bilinear: return 2;
    case InterpolateMode::trilinear: return 3;
    default: return 0;
  }
}

void check_src(const Tensor& src, const InterpolateOptions& options) {
  const int axes = src.dim() - 2, wanted = axes_of(options.mode);
  if (axes < 1 || axes > 3 || (wanted != 0 && axes != wanted)) {
    throw ShapeError(fmt::format("interpolate: src is {} with mode {} (want [N, C, {} spatial sizes])",
                                 src.shape().str(), name_of(options.mode),
                                 wanted == 0 ? "1 to 3" : std::to_string(wanted)));
  }
  if (!is_floating(src.dtype()))
    throw DTypeError(fmt::format("interpolate: {} (want f32, bf16 or f64)", name_of(src.dtype())));
  for (int axis = 2; axis < src.dim(); ++axis) {
    if (src.shape()[axis] == 0) {
      throw ShapeError(fmt::format("interpolate: src is {} (want spatial sizes of at least 1)", src.shape().str()));
    }
  }
  if (options.align_corners && wanted == 0) {
    throw UsageError(fmt::format("interpolate: align_corners with mode {} (want linear, bilinear or trilinear)",
                                 name_of(options.mode)));
  }
}

/// The factor of each spatial axis. Each is checked to give a size of at least 1.
std::array<double, 3> factors_of(const Tensor& src, const std::vector<double>& given) {
  const int axes = src.dim() - 2;
  if (given.size() != 1 && given.size() != static_cast<std::size_t>(axes)) {
    throw UsageError(
        fmt::format("interpolate: {} scale factors for {} spatial axes (want 1 or {})", given.size(), axes, axes));
  }
  std::array<double, 3> factors{};
  for (int axis = 0; axis < axes; ++axis) {
    const double factor = given.size() == 1 ? given[0] : given[static_cast<std::size_t>(axis)];
    const double size = std::floor(static_cast<double>(src.shape()[2 + axis]) * factor);
    if (!(size >= 1 && size < 0x1p31)) {
      throw UsageError(
          fmt::format("interpolate: scale_factor {} of the {} along spatial axis {} (want 1 to 2^31 - 1 "
                      "elements)",
                      factor, src.shape()[2 + axis], axis));
    }
    factors[static_cast<std::size_t>(axis)] = factor;
  }
  return factors;
}

Rule rule_of(const InterpolateOptions& options) {
  if (options.mode == InterpolateMode::nearest) return Rule::nearest;
  if (options.mode == InterpolateMode::nearest_exact) return Rule::nearest_exact;
  return options.align_corners ? Rule::aligned : Rule::linear;
}

Axes3 axes_for(const Tensor& src, const InterpolateOptions& options) {
  if (options.size.has_value() == !options.scale_factor.empty()) {
    throw UsageError(fmt::format("interpolate: {} (want one of the two)",
                                 options.size ? "size and scale_factor" : "neither size nor scale_factor"));
  }
  const int spatial = src.dim() - 2;
  std::array<std::int64_t, 3> sizes{};
  std::array<double, 3> factors{};
  if (options.size)
    sizes = values_of("interpolate", spatial, "size", *options.size, 1);
  else
    factors = factors_of(src, options.scale_factor);
  Axes3 axes;
  for (int axis = 0; axis < spatial; ++axis) {
    const auto k = static_cast<std::size_t>(axis);
    const std::int64_t in = src.shape()[2 + axis];
    const std::int64_t out =
        options.size ? sizes[k] : static_cast<std::int64_t>(std::floor(static_cast<double>(in) * factors[k]));
    axes[number_of(spatial, axis)] = {in, out, options.recompute_scale_factor ? 0 : factors[k], rule_of(options)};
  }
  return axes;
}

}  // namespace

std::string_view name_of(InterpolateMode mode) {
  switch (mode) {
    case InterpolateMode::nearest: return "nearest";
    case InterpolateMode::nearest_exact: return "nearest_exact";
    case InterpolateMode::linear: return "linear";
    case InterpolateMode::bilinear: return "bilinear";
    default: return "trilinear";
  }
}

Tensor interpolate(const Tensor& src, const InterpolateOptions& options, Location where) {
  check_src(src, options);
  return apply(Interpolate{axes_for(src, options), name_of(options.mode), options.align_corners}, where, src);
}

}  // namespace dagrad
