#include <cmath>
#include <fmt/format.h>
#include <type_traits>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/norm_arguments.h"
#include "dagrad/ops/norm_channels.h"
#include "dagrad/ops/norm_derivative.h"
#include "dagrad/ops/normalization.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// [C] as [C, 1, ...], which broadcasts to src.
Tensor by_channel(const Tensor& t, const Tensor& src) {
  if (!t.defined()) return t;
  Shape shape = Shape::filled(src.dim() - 1, 1);
  shape[0] = src.size(1);
  return reshape(t, shape);
}

/// Calls f(X(), T()) with the types of a source's elements and of what is computed of them.
template <class F>
void with_types(DType src, const F& f) {
  visit_dtype(src, [&f]<class X>(X) {
    if constexpr (is_floating(dtype_of<X>)) f(X(), std::conditional_t<std::is_same_v<X, BFloat16>, float, X>());
  });
}

/// The gradients of batch_norm.
struct BatchNormBackward {
  static constexpr std::string_view name = "batch_norm_backward";
  bool training;
  bool relu;
  double eps;
  DType parameters;

  std::string attributes() const {
    return fmt::format("training={}{}, eps={}", training, relu ? ", activation=relu" : "", eps);
  }

  std::array<Spec, 3> infer(const Tensor&, const Tensor& src, const Tensor&, const Tensor&, const Tensor&,
                            const Tensor&) const {
    const Spec parameter{{src.size(1)}, parameters};
    return {src.spec_with_format(), parameter, parameter};
  }

  // with g = diff_dst (with relu: where dst > 0), n = (src - mean) scale and, in training, means over a channel:
  // diff_src = weight scale (g - mean(g) - n mean(g n)), else weight scale g
  // diff_weight = sum(g n), diff_bias = sum(g)
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& dst,
               const Tensor& mean, const Tensor& scale, std::array<Tensor, 3>& diff) const {
    for (const Tensor& t : {diff_dst, src, weight, dst}) ctx.save(t);
    ctx.save(training ? Tensor() : mean);
    ctx.save(training ? Tensor() : scale);
    with_types(src.dtype(), [&]<class X, class T>(X, T) { run<X, T>(diff_dst, src, weight, dst, mean, scale, diff); });
  }

  // See Note [Second derivative of a normalization]; a relu lets pass the same elements again.
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    const Tensor g = ctx.saved(0), src = ctx.saved(1), weight = ctx.saved(2), dst = ctx.saved(3);
    const DType type = norm_type(src);
    const auto wide = [&](const Tensor& t) { return t.defined() ? to(t, type) : t; };
    NormBackward b{.axes = {0}, .eps = eps, .centered = true};
    for (int axis = 2; axis < src.dim(); ++axis) b.axes.push_back(axis);
    if (!training) {
      b.mean = by_channel(ctx.saved(4), src);
      b.scale = by_channel(ctx.saved(5), src);
    }
    b.g = wide(relu ? relu_backward(g, dst) : g);
    b.x = wide(src);
    b.w = by_channel(wide(weight), src);
    b.diff_x = wide(diff[0]);
    b.diff_w = by_channel(wide(diff[1]), src);
    b.diff_b = by_channel(wide(diff[2]), src);
    const auto [of_g, of_src, of_weight] = differentiate(b);
    if (of_g.defined()) {
      const Tensor given = to(of_g, g.dtype());
      ctx.give(0, relu ? relu_backward(given, dst) : given);
    }
    if (of_src.defined()) ctx.give(1, to(of_src, src.dtype()));
    if (of_weight.defined()) ctx.give(2, to(reshape(of_weight, weight.shape()), weight.dtype()));
  }

 private:
  template <class X, class T>
  void run(const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& dst, const Tensor& mean,
           const Tensor& scale, std::array<Tensor, 3>& diff) const {
    if (src.numel() == 0) {
      diff[1].zero_();
      diff[2].zero_();
      return;
    }
    const Format format = src.format();
    const Tensor g = as_norm_type(diff_dst, dtype_of<X>, format), x = as_norm_type(src, dtype_of<X>, format),
                 y = relu ? as_norm_type(dst, dtype_of<X>, format) : Tensor(), w = as_norm_type(weight, dtype_of<T>);
    Tensor result = norm_result(diff[0], dtype_of<X>);
    const Channels size = Channels::of(result);
    const std::int64_t channels = size.channels;
    // Of each channel: sum(g), sum(g (x - mean)), the gradient's scale, shift and slope.
    Tensor workspace = Tensor::allocate({{5, channels}, dtype_of<T>});
    T* sum_g = workspace.mutable_data<T>();
    T* sum_gx = sum_g + channels;
    T* scales = sum_gx + channels;
    T* shifts = scales + channels;
    T* slopes = shifts + channels;
    const T* means = mean.data<T>();
    const T* r = scale.data<T>();
    const T* of_weight = data_or_null<T>(w);
    channel_sums(size, g.data<X>(), x.data<X>(), data_or_null<X>(y), means, sum_g);
    const auto count = static_cast<T>(size.count());
    for (std::int64_t c = 0; c < channels; ++c) {
      scales[c] = of_weight == nullptr ? r[c] : of_weight[c] * r[c];
      shifts[c] = scales[c] * (sum_g[c] / count);
      slopes[c] = scales[c] * r[c] * (r[c] * (sum_gx[c] / count));
      sum_gx[c] *= r[c];
    }
    channel_gradient(size, g.data<X>(), x.data<X>(), data_or_null<X>(y),
                     ChannelGradient<T>{means, scales, shifts, training ? slopes : nullptr}, result.mutable_data<X>());
    finish_norm_result(result, diff[0]);
    copy_elements(workspace.alias({channels}, {1}, channels), diff[1]);
    copy_elements(workspace.alias({channels}, {1}, 0), diff[2]);
  }
};

struct BatchNorm {
  static constexpr std::string_view name = "batch_norm";
  bool training;
  bool relu;
  double momentum;
  double eps;

  std::string attributes() const {
    return fmt::format("training={}{}, eps={}", training, relu ? ", activation=relu" : "", eps);
  }

  Spec infer(const Tensor& src, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
             const Tensor& running_var) const {
    check_norm_source(name, src);
    check_norm_eps(name, eps);
    check_norm_running(name, running_mean, running_var, momentum);
    if (src.dim() < 2 || src.dim() > 5) {
      throw ShapeError(fmt::format("batch_norm: src is {} (want [N, C] or [N, C, spatial...], 2 to 5 dimensions)",
                                   src.shape().str()));
    }
    const Shape channels{src.size(1)};
    constexpr std::string_view what = "one for each channel";
    check_norm_parameter(name, "weight", weight, src, channels, what);
    check_norm_parameter(name, "bias", bias, src, channels, what);
    check_norm_parameter(name, "running_mean", running_mean, src, channels, what);
    check_norm_parameter(name, "running_var", running_var, src, channels, what);
    if (weight.defined() && bias.defined() && weight.dtype() != bias.dtype()) {
      throw DTypeError(fmt::format("batch_norm: weight is {}, bias is {} (want one type)", name_of(weight.dtype()),
                                   name_of(bias.dtype())));
    }
    check_statistics(src, running_mean, running_var);
    return src.spec_with_format();
  }

  // dst = (src - mean) scale weight + bias, scale = 1 / sqrt(variance + eps); with relu, max(0, that)
  void forward(Forward& ctx, const Tensor& src, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
               const Tensor& running_var, Tensor& dst) const {
    with_types(src.dtype(),
               [&]<class X, class T>(X, T) { run<X, T>(ctx, src, weight, bias, running_mean, running_var, dst); });
  }

  // diff_src = weight scale (diff_dst - mean(diff_dst) - n mean(diff_dst n)) in training, else weight scale diff_dst,
  // with scale = 1 / sqrt(variance + eps) and n = (src - mean) scale; diff_weight = sum(diff_dst n), diff_bias =
  // sum(diff_dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0);
    const DType type = ctx.needs(1) ? ctx.input_dtype(1) : ctx.needs(2) ? ctx.input_dtype(2) : src.dtype();
    auto [of_src, of_weight, of_bias] = apply(BatchNormBackward{training, relu, eps, type}, Location::current(),
                                              diff_dst, src, ctx.saved(1), ctx.saved(2), ctx.saved(3), ctx.saved(4));
    ctx.give(0, std::move(of_src));
    if (ctx.needs(1)) ctx.give(1, std::move(of_weight));
    if (ctx.needs(2)) ctx.give(2, std::move(of_bias));
  }

 private:
  void check_statistics(const Tensor& src, const Tensor& running_mean, const Tensor& running_var) const {
    for (const auto& [t, what] : {std::pair(&running_mean, "running_mean"), std::pair(&running_var, "running_var")}) {
      if (!t->defined() && (!training || running_mean.defined() != running_var.defined())) {
        throw UsageError(fmt::format("batch_norm: {} is undefined (want both running estimates{})", what,
                                     training ? " or neither" : ", or training = true"));
      }
    }
    const std::int64_t count = src.size(1) == 0 ? 2 : src.numel() / src.size(1);
    if (training && count < 2) {
      throw ShapeError(
          fmt::format("batch_norm: training takes the variance of each channel's values: src is {}, {} per channel "
                      "(want at least 2: a larger batch, or training = false, which eval() sets)",
                      src.shape().str(), count));
    }
  }

  template <class X, class T>
  void run(Forward& ctx, const Tensor& src, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
           const Tensor& running_var, Tensor& dst) const {
    const std::int64_t channels = src.size(1);
    Tensor mean = Tensor::allocate({{channels}, dtype_of<T>}), scale = Tensor::allocate({{channels}, dtype_of<T>});
    ctx.save(src);
    ctx.save(weight);
    ctx.save(relu ? dst : Tensor());
    ctx.save(mean);
    ctx.save(scale);
    if (src.numel() == 0) return;
    const Tensor x = as_norm_type(src, dtype_of<X>, src.format()), w = as_norm_type(weight, dtype_of<T>),
                 b = as_norm_type(bias, dtype_of<T>);
    Tensor result = norm_result(dst, dtype_of<X>);
    const Channels size = Channels::of(result);
    Tensor workspace = Tensor::allocate({{3, channels}, dtype_of<T>});  // variances, and each channel's scale and shift
    T* variances = workspace.mutable_data<T>();
    T* scales = variances + channels;
    T* shifts = scales + channels;
    T* means = mean.mutable_data<T>();
    T* r = scale.mutable_data<T>();
    if (training) {
      channel_moments(size, x.data<X>(), means, variances);
      for (std::int64_t c = 0; c < channels; ++c) variances[c] /= static_cast<T>(size.count());
      const auto count = static_cast<double>(size.count());
      update_running(name, running_mean, mean, momentum);
      update_running(name, running_var, workspace.alias({channels}, {1}, 0), momentum, count / (count - 1));
    } else {
      copy_elements(running_mean, mean);
      Tensor to = workspace.alias({channels}, {1}, 0);
      copy_elements(running_var, to);
    }
    const T* of_weight = data_or_null<T>(w);
    const T* of_bias = data_or_null<T>(b);
    for (std::int64_t c = 0; c < channels; ++c) {
      r[c] = 1 / std::sqrt(variances[c] + static_cast<T>(eps));
      scales[c] = of_weight == nullptr ? r[c] : of_weight[c] * r[c];
      shifts[c] = of_bias == nullptr ? 0 : of_bias[c];
    }
    normalize_channels(size, x.data<X>(), means, scales, shifts, relu, result.mutable_data<X>());
    finish_norm_result(result, dst);
  }
};

}  // namespace

Tensor batch_norm(const Tensor& src, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, const BatchNormOptions& options, Location where) {
  const bool relu = options.activation == Activation::relu;
  Tensor dst = apply(BatchNorm{options.training, relu, options.momentum, options.eps}, where, src, weight, bias,
                     running_mean, running_var);
  if (!options.activation || relu) return dst;
  switch (*options.activation) {
    case Activation::tanh: return tanh(dst, where);
    case Activation::sigmoid: return sigmoid(dst, where);
    default: return gelu(dst, where);
  }
}

}  // namespace dagrad
