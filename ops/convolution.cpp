#include "dagrad/ops/convolution.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/memory_source.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/convolution_reference.h"
#include "dagrad/ops/few_channels.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "dagrad/ops/winograd.h"
#include "dagrad/ops/zero_padding.h"

namespace dagrad {
namespace {

using Geometry = onednn::ConvolutionGeometry;

std::string attributes_of(const Geometry& g) {
  const auto list = [&g](const std::array<std::int64_t, 3>& values) {
    return fmt::format("[{}]", fmt::join(values.begin(), values.begin() + g.axes, ", "));
  };
  std::string text = fmt::format("stride={} padding={}", list(g.stride), list(g.before));
  if (g.before != g.after) text += fmt::format(" padding_after={}", list(g.after));
  return text + fmt::format(" dilation={} groups={}", list(g.dilation), g.groups);
}

/// The shape that a bias [O] broadcasts under against [N, O, spatial...].
Shape per_channel(const Tensor& bias, int rank) {
  Shape shape{bias.numel()};
  while (shape.rank() < rank - 1) shape.push_back(1);
  return shape;
}

// --- the three ops: each one's gradients are made of the others ---

/// A channels-last copy is made where an operand does not lie so; nothing is summed up where there is nothing. What is
/// done over again because of NaN, infinities or overflow takes its memory apart from the plan of a captured step.
struct Operands {
  const Geometry& geometry;

  void forward(const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) const {
    if (dst.numel() == 0) return;
    run_forward(src, weights, bias, dst);
    if (!zero_padding::meets_nonfinite_weights(geometry, src, weights, dst)) return;
    const MemoryFrom allocator(nullptr);
    const auto whole = zero_padding::padded(geometry, src);
    Operands{whole.geometry}.run_forward(whole.src, weights, bias, dst);
  }

  void run_forward(const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) const {
    if (dst.dtype() == f64) return reference::convolution(geometry, src, weights, bias, dst);
    if (src.numel() == 0 || weights.numel() == 0) {
      dst.zero_();
      if (bias.defined()) dst.copy_(reshape(bias, per_channel(bias, dst.dim())));
      return;
    }
    if (few_channels::takes(geometry, src, weights))
      return few_channels::convolution(geometry, src, weights, bias, dst);
    const Tensor x = channels_last_data(src), w = contiguous_data(weights),
                 b = bias.defined() ? contiguous_data(bias) : bias;
    if (!winograd::takes(geometry, x, w, dst)) return onednn::convolution(geometry, x, w, b, dst);
    if (winograd::convolution(geometry, x, w, b, dst)) return;
    const MemoryFrom allocator(nullptr);
    onednn::convolution(geometry, x, w, b, dst);
  }

  void backward_data(const Tensor& diff_dst, const Tensor& weights, Tensor& diff_src) const {
    if (diff_src.numel() == 0) return;
    if (diff_src.dtype() == f64) return reference::convolution_backward_data(geometry, diff_dst, weights, diff_src);
    if (diff_dst.numel() == 0) {
      diff_src.zero_();
      return;
    }
    const Tensor diff = channels_last_data(diff_dst), w = contiguous_data(weights);
    if (!winograd::takes(geometry, diff_src, w, diff))
      return onednn::convolution_backward_data(geometry, diff, w, diff_src);
    if (winograd::convolution_backward_data(geometry, diff, w, diff_src)) return;
    const MemoryFrom allocator(nullptr);
    onednn::convolution_backward_data(geometry, diff, w, diff_src);
  }

  void backward_weights(const Tensor& src, const Tensor& diff_dst, Tensor& diff_weights, Tensor& diff_bias) const {
    if (diff_weights.dtype() != f64 && zero_padding::mistakes_padding(geometry, src, diff_weights)) {
      const auto whole = zero_padding::padded(geometry, src);
      return Operands{whole.geometry}.run_backward_weights(whole.src, diff_dst, diff_weights, diff_bias);
    }
    run_backward_weights(src, diff_dst, diff_weights, diff_bias);
    if (!zero_padding::meets_nonfinite_diff(geometry, diff_bias)) return;
    const MemoryFrom allocator(nullptr);
    const auto whole = zero_padding::padded(geometry, src);
    Operands{whole.geometry}.run_backward_weights(whole.src, diff_dst, diff_weights, diff_bias);
  }

  void run_backward_weights(const Tensor& src, const Tensor& diff_dst, Tensor& diff_weights, Tensor& diff_bias) const {
    if (diff_weights.dtype() == f64) {
      return reference::convolution_backward_weights(geometry, src, diff_dst, diff_weights, diff_bias);
    }
    if (src.numel() == 0 || diff_dst.numel() == 0) {
      diff_weights.zero_();
      diff_bias.copy_(sum(diff_dst, all_but_channel(diff_dst)));
      return;
    }
    if (few_channels::takes(geometry, src, diff_weights)) {
      return few_channels::backward_weights(geometry, src, channels_last_data(diff_dst), diff_weights, diff_bias);
    }
    const Tensor x = channels_last_data(src), diff = channels_last_data(diff_dst);
    if (!winograd::takes(geometry, x, diff_weights, diff))
      return onednn::convolution_backward_weights(geometry, x, diff, diff_weights, diff_bias);
    if (winograd::convolution_backward_weights(geometry, x, diff, diff_weights, diff_bias)) return;
    const MemoryFrom allocator(nullptr);
    onednn::convolution_backward_weights(geometry, x, diff, diff_weights, diff_bias);
  }

  static Axes all_but_channel(const Tensor& t) {
    Axes axes{0};
    for (int axis = 2; axis < t.dim(); ++axis) axes.push_back(axis);
    return axes;
  }
};

Tensor backward_data(const Geometry& geometry, const Shape& src_shape, const Tensor& diff_dst, const Tensor& weights,
                     Location where = Location::current());
std::array<Tensor, 2> backward_weights(const Geometry& geometry, const Shape& weights_shape, const Tensor& src,
                                       const Tensor& diff_dst, bool unread = false);

struct Convolution {
  static constexpr std::string_view name = "convolution";
  static constexpr AutocastRule autocast = AutocastRule::bf16;
  Geometry geometry;
  Shape shape;  // of dst
  std::string attributes() const { return attributes_of(geometry); }

  Spec infer(const Tensor& src, const Tensor&, const Tensor&) const {
    return {shape, src.dtype(), Format::channels_last};
  }

  void forward(Forward& ctx, const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) const {
    Operands{geometry}.forward(src, weights, bias, dst);
    ctx.save(weights.requires_grad() ? src : Tensor());
    ctx.save(src.requires_grad() ? weights : Tensor());
  }

  // diff_src is diff_dst through the transposed convolution; diff_weights correlates src with diff_dst; diff_bias sums
  // diff_dst up
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, backward_data(geometry, ctx.input_shape(0), diff_dst, ctx.saved(1)));
    if (ctx.needs(1)) {
      const bool unread = !ctx.reads(1) && (!ctx.needs(2) || !ctx.reads(2));
      auto [weights, bias] = backward_weights(geometry, ctx.input_shape(1), ctx.saved(0), diff_dst, unread);
      ctx.give(1, std::move(weights));
      if (ctx.needs(2)) ctx.give(2, std::move(bias));
    } else if (ctx.needs(2)) {
      ctx.give(2, sum(diff_dst, Operands::all_but_channel(diff_dst)));
    }
  }
};

Tensor convolve(const Geometry& geometry, const Shape& shape, const Tensor& src, const Tensor& weights,
                const Tensor& bias = {}, Location where = Location::current()) {
  return apply(Convolution{geometry, shape}, where, src, weights, bias);
}

struct ConvolutionBackwardData {
  static constexpr std::string_view name = "convolution_backward_data";
  static constexpr AutocastRule autocast = AutocastRule::bf16;
  Geometry geometry;
  Shape shape;  // of diff_src
  std::string attributes() const { return attributes_of(geometry); }

  Spec infer(const Tensor& diff_dst, const Tensor&) const { return {shape, diff_dst.dtype(), Format::channels_last}; }

  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& weights, Tensor& diff_src) const {
    Operands{geometry}.backward_data(diff_dst, weights, diff_src);
    ctx.save(weights.requires_grad() ? diff_dst : Tensor());
    ctx.save(diff_dst.requires_grad() ? weights : Tensor());
  }

  // With the cotangent s of diff_src: diff(diff_dst) = convolution(s, weights), and diff_weights correlates s with
  // diff_dst
  void backward(Backward& ctx, const Tensor& s) const {
    if (ctx.needs(0)) ctx.give(0, convolve(geometry, ctx.input_shape(0), s, ctx.saved(1)));
    if (ctx.needs(1)) ctx.give(1, backward_weights(geometry, ctx.input_shape(1), s, ctx.saved(0))[0]);
  }
};

struct ConvolutionBackwardWeights {
  static constexpr std::string_view name = "convolution_backward_weights";
  Geometry geometry;
  Shape shape;  // of diff_weights
  bool unread;  // nobody reads the results (see Backward::reads)
  std::string attributes() const { return attributes_of(geometry); }

  std::array<Spec, 2> infer(const Tensor& src, const Tensor& diff_dst) const {
    return {Spec{shape, src.dtype()}, Spec{{diff_dst.size(1)}, src.dtype()}};
  }

  void forward(Forward& ctx, const Tensor& src, const Tensor& diff_dst, std::array<Tensor, 2>& dst) const {
    if (!unread) Operands{geometry}.backward_weights(src, diff_dst, dst[0], dst[1]);
    ctx.save(diff_dst.requires_grad() ? src : Tensor());
    ctx.save(src.requires_grad() ? diff_dst : Tensor());
  }

  // With cotangents w of diff_weights and b of diff_bias: diff_src is diff_dst through the transpose with weights w,
  // diff(diff_dst) = convolution(src, w) + b
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    const Tensor& w = diff[0];
    const Tensor& b = diff[1];
    if (ctx.needs(0) && w.defined()) ctx.give(0, backward_data(geometry, ctx.input_shape(0), ctx.saved(1), w));
    if (!ctx.needs(1)) return;
    const Shape& to = ctx.input_shape(1);
    if (w.defined()) {
      ctx.give(1, convolve(geometry, to, ctx.saved(0), w, b));
    } else {
      ctx.give(1, expand(reshape(b, per_channel(b, to.rank())), to));
    }
  }
};

Tensor backward_data(const Geometry& geometry, const Shape& src_shape, const Tensor& diff_dst, const Tensor& weights,
                     Location where) {
  return apply(ConvolutionBackwardData{geometry, src_shape}, where, diff_dst, weights);
}

std::array<Tensor, 2> backward_weights(const Geometry& geometry, const Shape& weights_shape, const Tensor& src,
                                       const Tensor& diff_dst, bool unread) {
  return apply(ConvolutionBackwardWeights{geometry, weights_shape, unread}, Location::current(), src, diff_dst);
}

// --- checks ---

/// What the messages of one call name.
struct Call {
  const char* function;
  int axes;

  [[noreturn]] void shape_error(const std::string& text) const {
    throw ShapeError(fmt::format("{}: {}", function, text));
  }

  std::array<std::int64_t, 3> values(const char* what, const PerAxis& given, std::int64_t least) const {
    return values_of(function, axes, what, given, least);
  }

  Geometry geometry(const PerAxis& stride, const PerAxis& dilation, std::int64_t groups) const {
    if (groups < 1) throw UsageError(fmt::format("{}: groups is {} (want at least 1)", function, groups));
    Geometry g;
    g.axes = axes;
    g.stride = values("stride", stride, 1);
    g.dilation = values("dilation", dilation, 1);
    g.groups = groups;
    return g;
  }

  /// Checks everything but the spatial sizes.
  void check(const Tensor& src, const Tensor& weights, const Tensor& bias, std::int64_t groups, bool transposed) const {
    if (src.dim() != axes + 2)
      shape_error(fmt::format("src is {} (want [N, C, {} spatial sizes], N optional)", src.shape().str(), axes));
    if (weights.dim() != axes + 2)
      shape_error(fmt::format("weights are {} (want {} dimensions)", weights.shape().str(), axes + 2));
    for (int axis = 2; axis < weights.dim(); ++axis) {
      if (weights.shape()[axis] < 1)
        shape_error(fmt::format("weights are {} (want a kernel of at least 1)", weights.shape().str()));
    }
    const std::int64_t channels = src.size(1), shared = transposed ? weights.size(0) : weights.size(1) * groups;
    if (channels != shared || weights.size(0) % groups != 0) {
      shape_error(fmt::format("src is {}, weights are {} (want {} for groups={})", src.shape().str(),
                              weights.shape().str(),
                              transposed ? "weights of [C, O / groups, kernel...], C a multiple of groups"
                                         : "weights of [O, C / groups, kernel...], O a multiple of groups",
                              groups));
    }
    const std::int64_t results = transposed ? weights.size(1) * groups : weights.size(0);
    if (bias.defined() && bias.shape() != Shape{results})
      shape_error(fmt::format("bias is {} (want [{}])", bias.shape().str(), results));
    for (const Tensor* t : {&weights, &bias}) {
      if (t->defined() && !same_type(*t, src)) {
        throw DTypeError(fmt::format("{}: element types differ: {} and {} (want one type; cast with to())", function,
                                     name_of(src.dtype()), name_of(t->dtype())));
      }
    }
    if (!is_floating(src.dtype()))
      throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", function, name_of(src.dtype())));
  }
};

/// `call` on src with a batch axis; it is taken off again where src had none.
template <class F>
Tensor batched(int axes, const Tensor& src, Location where, const F& call) {
  if (src.dim() != axes + 1) return call(src);
  return squeeze(call(unsqueeze(src, 0, where)), 0, where);
}

Tensor conv(const Call& call, const Tensor& src, const Tensor& weights, const Tensor& bias,
            const ConvolutionOptions& options, Location where) {
  Geometry g = call.geometry(options.stride, options.dilation, options.groups);
  const bool same_size = options.padding.is_same();
  if (!same_size) g.before = g.after = call.values("padding", options.padding.sizes(), 0);
  return batched(call.axes, src, where, [&](const Tensor& batch) {
    call.check(batch, weights, bias, g.groups, false);
    Shape shape{batch.size(0), weights.size(0)};
    for (int axis = 0; axis < call.axes; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      const std::int64_t reach = g.dilation[k] * (weights.shape()[axis + 2] - 1);
      if (same_size) {
        if (g.stride[k] != 1)
          throw UsageError(fmt::format("{}: padding is same and stride {} (want 1)", call.function, g.stride[k]));
        g.before[k] = reach / 2;
        g.after[k] = reach - reach / 2;
      }
      const std::int64_t room = batch.shape()[axis + 2] + g.before[k] + g.after[k] - reach - 1;
      if (room < 0) {
        call.shape_error(
            fmt::format("src is {}, with padding {} along spatial axis {} (want at least the {} that the "
                        "kernel covers)",
                        batch.shape().str(), batch.shape()[axis + 2] + g.before[k] + g.after[k], axis, reach + 1));
      }
      shape.push_back(room / g.stride[k] + 1);
    }
    return convolve(g, shape, batch, weights, bias, where);
  });
}

Tensor conv_transpose(const Call& call, const Tensor& src, const Tensor& weights, const Tensor& bias,
                      const ConvolutionTransposeOptions& options, Location where) {
  Geometry g = call.geometry(options.stride, options.dilation, options.groups);
  g.before = g.after = call.values("padding", options.padding, 0);
  const auto extra = call.values("output_padding", options.output_padding, 0);
  return batched(call.axes, src, where, [&](const Tensor& batch) {
    call.check(batch, weights, bias, g.groups, true);
    Shape shape{batch.size(0), weights.size(1) * g.groups};
    for (int axis = 0; axis < call.axes; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      if (extra[k] >= std::max(g.stride[k], g.dilation[k])) {
        throw UsageError(fmt::format("{}: output_padding is {} (want less than stride {} or dilation {})",
                                     call.function, extra[k], g.stride[k], g.dilation[k]));
      }
      const std::int64_t size = (batch.shape()[axis + 2] - 1) * g.stride[k] - 2 * g.before[k] +
                                g.dilation[k] * (weights.shape()[axis + 2] - 1) + extra[k] + 1;
      if (size < 1) {
        call.shape_error(
            fmt::format("src is {}, which with padding {} leaves {} along spatial axis {} (want at least "
                        "1)",
                        batch.shape().str(), g.before[k], size, axis));
      }
      shape.push_back(size);
    }
    Tensor result = backward_data(g, shape, batch, weights, where);
    if (!bias.defined()) return result;
    const Tensor offset = autocast_to(AutocastRule::bf16, bias, where);
    return add(result, reshape(offset, per_channel(offset, result.dim()), where), where);
  });
}

}  // namespace

constinit const Padding Padding::same{Padding::KeepSizes()};

Tensor conv1d(const Tensor& src, const Tensor& weights, const Tensor& bias, const ConvolutionOptions& options,
              Location where) {
  return conv({"conv1d", 1}, src, weights, bias, options, where);
}
Tensor conv2d(const Tensor& src, const Tensor& weights, const Tensor& bias, const ConvolutionOptions& options,
              Location where) {
  return conv({"conv2d", 2}, src, weights, bias, options, where);
}
Tensor conv3d(const Tensor& src, const Tensor& weights, const Tensor& bias, const ConvolutionOptions& options,
              Location where) {
  return conv({"conv3d", 3}, src, weights, bias, options, where);
}

Tensor conv_transpose1d(const Tensor& src, const Tensor& weights, const Tensor& bias,
                        const ConvolutionTransposeOptions& options, Location where) {
  return conv_transpose({"conv_transpose1d", 1}, src, weights, bias, options, where);
}
Tensor conv_transpose2d(const Tensor& src, const Tensor& weights, const Tensor& bias,
                        const ConvolutionTransposeOptions& options, Location where) {
  return conv_transpose({"conv_transpose2d", 2}, src, weights, bias, options, where);
}
Tensor conv_transpose3d(const Tensor& src, const Tensor& weights, const Tensor& bias,
                        const ConvolutionTransposeOptions& options, Location where) {
  return conv_transpose({"conv_transpose3d", 3}, src, weights, bias, options, where);
}

}  // namespace dagrad
