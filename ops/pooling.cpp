#include "dagrad/ops/pooling.h"

#include <fmt/format.h>
#include <vector>

#include "dagrad/core/capture/each_replay_on.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/average_planes.h"
#include "dagrad/ops/pooling_kernels.h"
#include "dagrad/ops/pooling_windows.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using pooling::Windows;

std::string attributes_of(const Windows& w) {
  const auto list = [](const Windows::Sizes& s) { return fmt::format("{}x{}x{}", s[0], s[1], s[2]); };
  if (w.adaptive) return fmt::format("windows={}", list(w.out));
  return fmt::format("kernel={} stride={} padding={} dilation={}", list(w.kernel), list(w.stride), list(w.before),
                     list(w.dilation));
}

/// The shape of a result with one element per window.
Shape result_shape(const Shape& src, const Windows& windows) {
  Shape shape{src[0], src[1]};
  for (int axis = 2; axis < src.rank(); ++axis) shape.push_back(windows.out[static_cast<std::size_t>(axis - 2)]);
  return shape;
}

// --- max: taking, and its adjoint, of which either is the other's gradient ---

struct MaxPoolGather {
  static constexpr std::string_view name = "max_pool_gather";
  Windows windows;

  Spec infer(const Tensor& src, const Tensor& numbers) const {
    return {numbers.shape(), src.dtype(), Format::channels_last};
  }
  // dst[p] = src at the element of window p that is numbered so
  void forward(Forward& ctx, const Tensor& src, const Tensor& numbers, Tensor& dst) const {
    if (dst.numel() > 0) pooling::max_gather(windows, channels_last_data(src), numbers, dst);
    ctx.save(numbers);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct MaxPoolBackward {
  static constexpr std::string_view name = "max_pool_backward";
  Windows windows;
  Shape shape;  // of diff_src

  Spec infer(const Tensor& diff_dst, const Tensor&) const { return {shape, diff_dst.dtype(), Format::channels_last}; }
  // diff_src = diff_dst where it was taken, summed over windows, else 0
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& numbers, Tensor& diff_src) const {
    if (diff_src.numel() > 0) pooling::max_scatter(windows, channels_last_data(diff_dst), numbers, diff_src);
    ctx.save(numbers);
  }
  // diff(diff_dst) = the cotangent at the elements that were taken
  void backward(Backward& ctx, const Tensor& s) const {
    ctx.give(0, apply(MaxPoolGather{windows}, Location::current(), s, ctx.saved(0)));
  }
};

// diff_src = diff_dst where it was taken, summed over windows, else 0
void MaxPoolGather::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, apply(MaxPoolBackward{windows, ctx.input_shape(0)}, Location::current(), diff_dst, ctx.saved(0)));
}

/// Its second result numbers the elements that were taken within their windows. With `relu` nothing is taken where
/// nothing is above 0, which is just where the gradient of a relu vanishes.
struct MaxPool {
  static constexpr std::string_view name = "max_pool";
  Windows windows;
  bool relu = false;
  std::string attributes() const { return attributes_of(windows) + (relu ? " activation=relu" : ""); }

  std::array<Spec, 2> infer(const Tensor& src) const {
    const Shape shape = result_shape(src.shape(), windows);
    return {Spec{shape, src.dtype(), Format::channels_last},
            Spec{shape, pooling::numbers_dtype(windows), Format::channels_last}};
  }
  void forward(Forward& ctx, const Tensor& src, std::array<Tensor, 2>& dst) const {
    if (dst[0].numel() > 0) pooling::max(windows, relu, channels_last_data(src), dst[0], dst[1]);
    ctx.save(dst[1]);
  }
  // diff_src = diff_dst where it was taken, summed over windows, else 0
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    if (diff[0].defined())
      ctx.give(0, apply(MaxPoolBackward{windows, ctx.input_shape(0)}, Location::current(), diff[0], ctx.saved(0)));
  }
};

/// Positions in the source in place of numbers within the windows.
Tensor positions(const Windows& windows, const Tensor& numbers) {
  const std::int64_t none = pooling::nothing_taken(numbers.dtype());
  const auto write = [windows, none](const Tensor& from, Tensor& dst) {
    const std::vector<std::int64_t> number = from.to_vector<std::int64_t>();
    const std::int64_t volume = windows.out_volume();
    auto* to = dst.mutable_data<std::int64_t>();
    for (std::size_t i = 0; i < number.size(); ++i)
      to[i] = number[i] == none ? -1 : windows.source(static_cast<std::int64_t>(i) % volume, number[i]);
  };
  Tensor result = Tensor::allocate({numbers.shape(), i64});
  each_replay_on("max_pool", {&numbers, 1}, {&result, 1}, [write](auto in, auto out) { write(in[0], out[0]); });
  return result;
}

// --- average ---

/// What the sum of each window is multiplied by.
struct Counting {
  bool padding = true;
  std::int64_t divisor = 0;  // 0: the count
  Windows::Sizes after{};    // padding behind the source, for windows that reach beyond it

  std::vector<double> weights(const Windows& windows) const {
    std::vector<double> result(static_cast<std::size_t>(windows.out_volume()));
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = 1 / count(windows, static_cast<std::int64_t>(i));
    return result;
  }

 private:
  double count(const Windows& windows, std::int64_t p) const {
    if (divisor != 0) return static_cast<double>(divisor);
    const Windows::Sizes at = windows.position(p);
    std::int64_t elements = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::int64_t begin = windows.begin(axis, at[axis]), end = begin + windows.length(axis, at[axis]);
      const std::int64_t first = padding ? -windows.before[axis] : 0;
      const std::int64_t last = windows.in[axis] + (padding ? after[axis] : 0);
      elements *= std::min(end, last) - std::max(begin, first);
    }
    return static_cast<double>(elements);
  }
};

struct AvgPoolBackward;

struct AvgPool {
  static constexpr std::string_view name = "avg_pool";
  Windows windows;
  Counting counting;
  std::string attributes() const { return attributes_of(windows); }

  Spec infer(const Tensor& src) const {
    return {result_shape(src.shape(), windows), src.dtype(), Format::channels_last};
  }
  // dst[p] = the sum of src under window p / count[p]
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const std::vector<double> weights = counting.weights(windows);
    if (!pooling::average_planes(windows, weights.data(), src, dst))
      pooling::weighted_sum(windows, weights.data(), channels_last_data(src), dst);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct AvgPoolBackward {
  static constexpr std::string_view name = "avg_pool_backward";
  Windows windows;
  Counting counting;
  Shape shape;  // of diff_src

  Spec infer(const Tensor& diff_dst) const { return {shape, diff_dst.dtype(), Format::channels_last}; }
  // diff_src = the sum of diff_dst[p] / count[p] over the windows p that see it
  void forward(Forward&, const Tensor& diff_dst, Tensor& diff_src) const {
    if (diff_src.numel() > 0)
      pooling::weighted_scatter(windows, counting.weights(windows).data(), channels_last_data(diff_dst), diff_src);
  }
  // diff(diff_dst) = the cotangent's average over each window
  void backward(Backward& ctx, const Tensor& s) const {
    ctx.give(0, apply(AvgPool{windows, counting}, Location::current(), s));
  }
};

// diff_src = the sum of diff_dst[p] / count[p] over the windows p that see it
void AvgPool::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, apply(AvgPoolBackward{windows, counting, ctx.input_shape(0)}, Location::current(), diff_dst));
}

// --- checks ---

/// What the messages of one call name.
struct Call {
  const char* function;
  int axes;

  void check(const Tensor& src) const {
    if (src.dim() != axes + 2 && src.dim() != axes + 1) {
      throw ShapeError(
          fmt::format("{}: src is {} (want [N, C, {} spatial sizes], N optional)", function, src.shape().str(), axes));
    }
    if (!is_floating(src.dtype()))
      throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", function, name_of(src.dtype())));
    for (int axis = src.dim() - axes; axis < src.dim(); ++axis) {
      if (src.shape()[axis] == 0)
        throw ShapeError(fmt::format("{}: src is {} (want spatial sizes of at least 1)", function, src.shape().str()));
    }
  }

  Windows windows(const Tensor& src, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                  const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) const {
    check(src);
    const auto kernels = values_of(function, axes, "kernel", kernel, 1);
    const auto strides = values_of(function, axes, "stride", stride.value_or(kernel), 1);
    const auto before = values_of(function, axes, "padding", padding, 0);
    const auto dilations = values_of(function, axes, "dilation", dilation, 1);
    Windows w;
    for (int axis = 0; axis < axes; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      w.in[k] = src.shape()[src.dim() - axes + axis];
      w.kernel[k] = kernels[k];
      w.stride[k] = strides[k];
      w.before[k] = before[k];
      w.dilation[k] = dilations[k];
      if (2 * before[k] > kernels[k]) {
        throw UsageError(fmt::format("{}: padding is {} with a kernel of {} (want at most half the kernel)", function,
                                     before[k], kernels[k]));
      }
      const std::int64_t padded = w.in[k] + 2 * before[k], reach = dilations[k] * (kernels[k] - 1) + 1;
      if (padded < reach) {
        throw ShapeError(
            fmt::format("{}: src is {}, with padding {} along spatial axis {} (want at least the {} that "
                        "the kernel covers)",
                        function, src.shape().str(), padded, axis, reach));
      }
      w.out[k] = (padded - reach + (ceil_mode ? strides[k] - 1 : 0)) / strides[k] + 1;
      if ((w.out[k] - 1) * strides[k] >= w.in[k] + before[k]) --w.out[k];
    }
    return w;
  }

  Windows sharing(const Tensor& src, const PerAxis& output) const {
    check(src);
    const auto outputs = values_of(function, axes, "output", output, 1);
    Windows w;
    w.adaptive = true;
    for (int axis = 0; axis < axes; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      w.in[k] = src.shape()[src.dim() - axes + axis];
      w.out[k] = outputs[k];
      for (std::int64_t p = 0; p < w.out[k]; ++p) w.kernel[k] = std::max(w.kernel[k], w.length(k, p));
    }
    return w;
  }

  /// The op on src with a batch axis, which is taken off again where src had none.
  template <class Op>
  auto run(const Op& op, const Tensor& src, Location where) const {
    return apply(op, where, src.dim() == axes + 1 ? unsqueeze(src, 0, where) : src);
  }
  Tensor like(const Tensor& src, const Tensor& result, Location where) const {
    return src.dim() == axes + 1 ? squeeze(result, 0, where) : result;
  }
};

MaxPool max_pool(const Call& call, const Tensor& src, const MaxPoolOptions& o) {
  return {call.windows(src, o.kernel, o.stride, o.padding, o.dilation, o.ceil_mode), o.relu};
}

Tensor max(const Call& call, const Tensor& src, const MaxPool& op, Location where) {
  return call.like(src, call.run(op, src, where)[0], where);
}

std::pair<Tensor, Tensor> max_with_indices(const Call& call, const Tensor& src, const MaxPoolOptions& options,
                                           Location where) {
  const MaxPool op = max_pool(call, src, options);
  const auto [dst, numbers] = call.run(op, src, where);
  return {call.like(src, dst, where), call.like(src, positions(op.windows, numbers), where)};
}

Tensor average(const Call& call, const Tensor& src, const AvgPoolOptions& o, Location where) {
  if (o.divisor_override < 0) {
    throw UsageError(
        fmt::format("{}: divisor_override is {} (want at least 1, or 0 for none)", call.function, o.divisor_override));
  }
  const Windows windows = call.windows(src, o.kernel, o.stride, o.padding, 1, o.ceil_mode);
  const Counting counting{o.count_include_pad, o.divisor_override, windows.before};
  return call.like(src, call.run(AvgPool{windows, counting}, src, where), where);
}

Tensor adaptive_average(const Call& call, const Tensor& src, const PerAxis& output, Location where) {
  return call.like(src, call.run(AvgPool{call.sharing(src, output), {}}, src, where), where);
}

Tensor adaptive_max(const Call& call, const Tensor& src, const PerAxis& output, Location where) {
  return max(call, src, MaxPool{call.sharing(src, output)}, where);
}

Call global(const char* function, const Tensor& src) {
  if (src.dim() < 3 || src.dim() > 5) {
    throw ShapeError(
        fmt::format("{}: src is {} (want [N, C, spatial...] with 1 to 3 spatial axes)", function, src.shape().str()));
  }
  return {function, src.dim() - 2};
}

}  // namespace

Tensor max_pool1d(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool1d", 1};
  return max(call, src, max_pool(call, src, options), where);
}
Tensor max_pool2d(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool2d", 2};
  return max(call, src, max_pool(call, src, options), where);
}
Tensor max_pool3d(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool3d", 3};
  return max(call, src, max_pool(call, src, options), where);
}

std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool1d_with_indices", 1};
  return max_with_indices(call, src, options, where);
}
std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool2d_with_indices", 2};
  return max_with_indices(call, src, options, where);
}
std::pair<Tensor, Tensor> max_pool3d_with_indices(const Tensor& src, const MaxPoolOptions& options, Location where) {
  const Call call{"max_pool3d_with_indices", 3};
  return max_with_indices(call, src, options, where);
}

Tensor avg_pool1d(const Tensor& src, const AvgPoolOptions& options, Location where) {
  return average({"avg_pool1d", 1}, src, options, where);
}
Tensor avg_pool2d(const Tensor& src, const AvgPoolOptions& options, Location where) {
  return average({"avg_pool2d", 2}, src, options, where);
}
Tensor avg_pool3d(const Tensor& src, const AvgPoolOptions& options, Location where) {
  return average({"avg_pool3d", 3}, src, options, where);
}

Tensor adaptive_avg_pool1d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_average({"adaptive_avg_pool1d", 1}, src, output, where);
}
Tensor adaptive_avg_pool2d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_average({"adaptive_avg_pool2d", 2}, src, output, where);
}
Tensor adaptive_avg_pool3d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_average({"adaptive_avg_pool3d", 3}, src, output, where);
}
Tensor adaptive_max_pool1d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_max({"adaptive_max_pool1d", 1}, src, output, where);
}
Tensor adaptive_max_pool2d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_max({"adaptive_max_pool2d", 2}, src, output, where);
}
Tensor adaptive_max_pool3d(const Tensor& src, const PerAxis& output, Location where) {
  return adaptive_max({"adaptive_max_pool3d", 3}, src, output, where);
}

Tensor global_avg_pool(const Tensor& src, Location where) {
  return adaptive_average(global("global_avg_pool", src), src, 1, where);
}
Tensor global_max_pool(const Tensor& src, Location where) {
  return adaptive_max(global("global_max_pool", src), src, 1, where);
}

}  // namespace dagrad
