#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/norm_arguments.h"
#include "dagrad/ops/norm_channels.h"
#include "dagrad/ops/norm_derivative.h"
#include "dagrad/ops/normalization.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// f(begin, end) for parts of the samples, on several threads where it pays.
template <class F>
void for_samples(const Channels& size, const F& f) {
  constexpr std::int64_t kGrain = 16 << 10;  // elements that are worth a thread
  const std::int64_t elements = size.channels * size.positions;
  parallel_for(size.samples, std::max<std::int64_t>(1, kGrain / elements), f);
}

/// The groups of one sample.
struct Groups {
  std::int64_t count, channels;  // channels of each
  std::int64_t values;           // of each

  Groups(const Channels& size, std::int64_t groups)
      : count(groups), channels(size.channels / groups), values(channels * size.positions) {}
};

/// The gradients of group_norm and instance_norm.
struct GroupNormBackward {
  static constexpr std::string_view name = "group_norm_backward";
  std::int64_t groups;
  double eps;
  DType parameters;

  std::string attributes() const { return fmt::format("groups={}, eps={}", groups, eps); }

  std::array<Spec, 3> infer(const Tensor&, const Tensor& src, const Tensor&, const Tensor&, const Tensor&) const {
    const Spec parameter{{src.size(1)}, parameters};
    return {src.spec_with_format(), parameter, parameter};
  }

  // with n = (src - mean) scale, v = weight diff_dst and means over a group:
  // diff_src = scale (v - mean(v) - n mean(v n)), diff_weight = sum(diff_dst n), diff_bias = sum(diff_dst)
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& mean,
               const Tensor& scale, std::array<Tensor, 3>& diff) const {
    for (const Tensor& t : {diff_dst, src, weight}) ctx.save(t);
    if (mean.dtype() == f64)
      run<double>(diff_dst, src, weight, mean, scale, diff);
    else
      run<float>(diff_dst, src, weight, mean, scale, diff);
  }

  // See Note [Second derivative of a normalization], for src as [N, groups, channels of a group, positions].
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    const Tensor g = ctx.saved(0), src = ctx.saved(1), weight = ctx.saved(2);
    const DType type = norm_type(src);
    const Shape by_group{src.size(0), groups, src.size(1) / std::max<std::int64_t>(1, groups),
                         src.numel() / std::max<std::int64_t>(1, src.size(0) * src.size(1))};
    const auto grouped = [&](const Tensor& t) { return t.defined() ? reshape(to(t, type), by_group) : t; };
    const auto by_channel = [&](const Tensor& t) {
      return t.defined() ? reshape(to(t, type), {by_group[1], by_group[2], 1}) : t;
    };
    NormBackward b{.axes = {2, 3}, .eps = eps, .centered = true};
    b.g = grouped(g);
    b.x = grouped(src);
    b.w = by_channel(weight);
    b.diff_x = grouped(diff[0]);
    b.diff_w = by_channel(diff[1]);
    b.diff_b = by_channel(diff[2]);
    const auto [of_g, of_src, of_weight] = differentiate(b);
    if (of_g.defined()) ctx.give(0, to(reshape(of_g, g.shape()), g.dtype()));
    if (of_src.defined()) ctx.give(1, to(reshape(of_src, src.shape()), src.dtype()));
    if (of_weight.defined()) ctx.give(2, to(reshape(of_weight, weight.shape()), weight.dtype()));
  }

 private:
  template <class T>
  void run(const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& mean, const Tensor& scale,
           std::array<Tensor, 3>& diff) const {
    if (src.numel() == 0) {
      diff[1].zero_();
      diff[2].zero_();
      return;
    }
    const Tensor g = as_norm_type(diff_dst, dtype_of<T>, src.format()),
                 x = as_norm_type(src, dtype_of<T>, src.format()), w = as_norm_type(weight, dtype_of<T>);
    Tensor result = norm_result(diff[0], dtype_of<T>);
    const Channels size = Channels::of(result);
    const std::int64_t channels = size.channels, sample = channels * size.positions;
    Tensor sums = Tensor::allocate({{size.samples, 2 * channels}, dtype_of<T>});
    T* all = sums.mutable_data<T>();
    const T* from_g = g.data<T>();
    const T* from_x = x.data<T>();
    T* to = result.mutable_data<T>();
    const T* of_weight = data_or_null<T>(w);
    const T* means = mean.data<T>();
    const T* scales = scale.data<T>();
    for_samples(size, [&](std::int64_t begin, std::int64_t end) {
      Tensor workspace = Tensor::allocate({{4, channels}, dtype_of<T>});
      T* by = workspace.mutable_data<T>();  // each channel's mean, scale, shift and slope
      for (std::int64_t i = begin; i < end; ++i) {
        T* sum = all + i * 2 * channels;
        spread(size, means + i * groups, by);
        channel_sums<T>(size.sample(), from_g + i * sample, from_x + i * sample, nullptr, by, sum);
        coefficients(size, sum, of_weight, scales + i * groups, by);
        channel_gradient<T, T>(size.sample(), from_g + i * sample, from_x + i * sample, nullptr,
                               {by, by + channels, by + 2 * channels, by + 3 * channels}, to + i * sample);
      }
    });
    finish_norm_result(result, diff[0]);
    Tensor total = Tensor::allocate({{2 * channels}, dtype_of<T>});
    fold::fold_into(fold::Kind::sum, sums, AxisSet::one(0, 2), total);
    copy_elements(total.alias({channels}, {1}, channels), diff[1]);
    copy_elements(total.alias({channels}, {1}, 0), diff[2]);
  }

  /// Each channel's mean from its group's.
  template <class T>
  void spread(const Channels& size, const T* mean, T* by) const {
    const Groups g(size, groups);
    for (std::int64_t c = 0; c < size.channels; ++c) by[c] = mean[c / g.channels];
  }

  /// Each channel's scale, shift and slope, and its share of diff_weight in place of the second sum.
  template <class T>
  void coefficients(const Channels& size, T* sum, const T* weight, const T* scale, T* by) const {
    const Groups g(size, groups);
    const auto values = static_cast<T>(g.values);
    T* scales = by + size.channels;
    T* shifts = scales + size.channels;
    T* slopes = shifts + size.channels;
    for (std::int64_t group = 0; group < g.count; ++group) {
      const std::int64_t first = group * g.channels, last = first + g.channels;
      const T r = scale[group];
      T of_v = 0, of_vn = 0;
      for (std::int64_t c = first; c < last; ++c) {
        const T w = weight == nullptr ? 1 : weight[c];
        scales[c] = w * r;
        sum[size.channels + c] *= r;
        of_v += w * sum[c];
        of_vn += w * sum[size.channels + c];
      }
      std::fill(shifts + first, shifts + last, r * (of_v / values));
      std::fill(slopes + first, slopes + last, r * (r * (of_vn / values)));
    }
  }
};

/// group_norm, and instance_norm, whose groups are the channels.
template <bool instance>
struct GroupNorm {
  static constexpr std::string_view name = instance ? "instance_norm" : "group_norm";
  // The running estimates of instance_norm are changed in place, so they must not be cast.
  static constexpr AutocastRule autocast = instance ? AutocastRule::none : AutocastRule::f32;
  std::int64_t groups;
  double momentum;
  double eps;

  std::string attributes() const {
    return instance ? fmt::format("eps={}", eps) : fmt::format("groups={}, eps={}", groups, eps);
  }

  Spec infer(const Tensor& src, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
             const Tensor& running_var) const {
    check_norm_source(name, src);
    check_norm_eps(name, eps);
    check_norm_running(name, running_mean, running_var, momentum);
    constexpr int least = instance ? 3 : 2;
    if (src.dim() < least || src.dim() > 5) {
      throw ShapeError(fmt::format("{}: src is {} (want {}[N, C, spatial...], {} to 5 dimensions)", name,
                                   src.shape().str(), instance ? "" : "[N, C] or ", least));
    }
    if (groups < 1 || src.size(1) % groups != 0) {
      if (!instance) {
        throw ShapeError(fmt::format("group_norm: {} groups for src {} (want a number that divides its {} channels)",
                                     groups, src.shape().str(), src.size(1)));
      }
    }
    const Shape channels{src.size(1)};
    constexpr std::string_view what = "one for each channel";
    check_norm_parameter(name, "weight", weight, src, channels, what);
    check_norm_parameter(name, "bias", bias, src, channels, what);
    check_norm_parameter(name, "running_mean", running_mean, src, channels, what);
    check_norm_parameter(name, "running_var", running_var, src, channels, what);
    if (weight.defined() && bias.defined() && weight.dtype() != bias.dtype()) {
      throw DTypeError(fmt::format("{}: weight is {}, bias is {} (want one type)", name, name_of(weight.dtype()),
                                   name_of(bias.dtype())));
    }
    if (running_mean.defined() != running_var.defined()) {
      throw UsageError(fmt::format("{}: {} is undefined (want both running estimates or neither)", name,
                                   running_mean.defined() ? "running_var" : "running_mean"));
    }
    if (instance && src.size(0) * src.size(1) > 0 && src.numel() == src.size(0) * src.size(1)) {
      throw ShapeError(
          fmt::format("instance_norm: takes the variance of each channel's values in a sample: src is {}, 1 per "
                      "channel (want at least 2: a larger spatial size, or use_input_stats = false)",
                      src.shape().str()));
    }
    return src.spec_with_format();
  }

  // dst = (src - mean) scale weight + bias, scale = 1 / sqrt(variance + eps)
  void forward(Forward& ctx, const Tensor& src, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
               const Tensor& running_var, Tensor& dst) const {
    const DType type = norm_type(src);
    Tensor mean = Tensor::allocate({{src.size(0), groups}, type}), scale = Tensor::allocate(mean.spec());
    // Variances are kept for the running estimates alone.
    Tensor variance = running_var.defined() ? Tensor::allocate(mean.spec()) : Tensor();
    for (const Tensor& t : {src, weight, mean, scale}) ctx.save(t);
    if (src.numel() == 0) return;
    if (type == f64)
      run<double>(src, weight, bias, mean, scale, variance, dst);
    else
      run<float>(src, weight, bias, mean, scale, variance, dst);
    if (!variance.defined()) return;
    const auto samples = static_cast<double>(src.size(0));
    const double values = static_cast<double>(src.numel()) / static_cast<double>(src.size(0) * src.size(1));
    Tensor total = Tensor::allocate({{src.size(1)}, type});
    fold::fold_into(fold::Kind::sum, mean, AxisSet::one(0, 2), total);
    update_running(name, running_mean, total, momentum, 1 / samples);
    fold::fold_into(fold::Kind::sum, variance, AxisSet::one(0, 2), total);
    update_running(name, running_var, total, momentum, values / (values - 1) / samples);
  }

  // diff_src = scale (v - mean(v) - n mean(v n)) within each group, with scale = 1 / sqrt(variance + eps), n = (src -
  // mean) scale and v = weight diff_dst; diff_weight = sum(diff_dst n), diff_bias = sum(diff_dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0);
    const DType type = ctx.needs(1) ? ctx.input_dtype(1) : ctx.needs(2) ? ctx.input_dtype(2) : src.dtype();
    auto [of_src, of_weight, of_bias] = apply(GroupNormBackward{groups, eps, type}, Location::current(), diff_dst, src,
                                              ctx.saved(1), ctx.saved(2), ctx.saved(3));
    ctx.give(0, std::move(of_src));
    if (ctx.needs(1)) ctx.give(1, std::move(of_weight));
    if (ctx.needs(2)) ctx.give(2, std::move(of_bias));
  }

 private:
  template <class T>
  void run(const Tensor& src, const Tensor& weight, const Tensor& bias, Tensor& mean, Tensor& scale, Tensor& variance,
           Tensor& dst) const {
    const Tensor x = as_norm_type(src, dtype_of<T>, src.format()), w = as_norm_type(weight, dtype_of<T>),
                 b = as_norm_type(bias, dtype_of<T>);
    Tensor result = norm_result(dst, dtype_of<T>);
    const Channels size = Channels::of(result);
    const std::int64_t channels = size.channels, sample = channels * size.positions;
    const T* from = x.data<T>();
    T* to = result.mutable_data<T>();
    T* means = mean.mutable_data<T>();
    T* scales = scale.mutable_data<T>();
    T* variances = variance.defined() ? variance.mutable_data<T>() : nullptr;
    for_samples(size, [&](std::int64_t begin, std::int64_t end) {
      Tensor workspace = Tensor::allocate({{3, channels}, dtype_of<T>});
      T* by = workspace.mutable_data<T>();  // each channel's mean, scale (first: sum of squares) and shift
      for (std::int64_t c = 0; c < channels; ++c) by[2 * channels + c] = b.defined() ? b.data<T>()[c] : 0;
      for (std::int64_t i = begin; i < end; ++i) {
        channel_moments<T>(size.sample(), from + i * sample, by, by + channels);
        T* of_sample = variances == nullptr ? nullptr : variances + i * groups;
        gather(size, data_or_null<T>(w), by, means + i * groups, scales + i * groups, of_sample);
        normalize_channels<T>(size.sample(), from + i * sample, by, by + channels, by + 2 * channels, false,
                              to + i * sample);
      }
    });
    finish_norm_result(result, dst);
  }

  /// From the moments of a sample's channels those of its groups, and each channel's mean and scale in their place.
  template <class T>
  void gather(const Channels& size, const T* weight, T* by, T* mean, T* scale, T* variance) const {
    const Groups g(size, groups);
    T* squares = by + size.channels;
    for (std::int64_t group = 0; group < g.count; ++group) {
      const std::int64_t first = group * g.channels, last = first + g.channels;
      T sum = 0, total = 0;
      for (std::int64_t c = first; c < last; ++c) sum += by[c];
      const T m = sum / static_cast<T>(g.channels);
      for (std::int64_t c = first; c < last; ++c)
        total += squares[c] + static_cast<T>(size.positions) * (by[c] - m) * (by[c] - m);
      const T v = total / static_cast<T>(g.values), r = 1 / std::sqrt(v + static_cast<T>(eps));
      mean[group] = m;
      scale[group] = r;
      if (variance != nullptr) variance[group] = v;
      for (std::int64_t c = first; c < last; ++c) {
        by[c] = m;
        squares[c] = weight == nullptr ? r : weight[c] * r;
      }
    }
  }
};

}  // namespace

Tensor group_norm(const Tensor& src, std::int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                  Location where) {
  return apply(GroupNorm<false>{groups, 0, eps}, where, src, weight, bias, Tensor(), Tensor());
}

Tensor instance_norm(const Tensor& src, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, const InstanceNormOptions& options, Location where) {
  if (options.use_input_stats) {
    const std::int64_t channels = src.dim() < 2 ? 1 : src.size(1);
    return apply(GroupNorm<true>{channels, options.momentum, options.eps}, where, src, weight, bias, running_mean,
                 running_var);
  }
  if (!running_mean.defined() || !running_var.defined()) {
    throw UsageError(
        fmt::format("instance_norm: {} is undefined (want both running estimates, or use_input_stats = true)",
                    running_mean.defined() ? "running_var" : "running_mean"));
  }
  return batch_norm(src, running_mean, running_var, weight, bias,
                    {.training = false, .momentum = options.momentum, .eps = options.eps}, where);
}

}  // namespace dagrad
