#include <algorithm>

#include "dagrad/core/copy.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/onednn/primitive.h"

namespace dagrad::onednn {
namespace {

using Dims = dnnl::memory::dims;
using Descriptor = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

constexpr std::int64_t kWorthForking = 1 << 20;  // floating-point operations: some 4 us of one core

/// A convolution as oneDNN describes it.
struct Problem {
  Descriptor src, weights, bias, dst;
  Dims stride, dilation, before, after;
};

/// A channels-last tensor, by a tag: its strides along axes of size 1 may be anything.
Descriptor channels_last(const Tensor& t) {
  constexpr std::array tags{Tag::nwc, Tag::nhwc, Tag::ndhwc};
  return {Dims(t.shape().begin(), t.shape().end()), data_type(t.dtype()), tags[static_cast<std::size_t>(t.dim() - 3)]};
}

/// Row-major weights; with groups, these are an axis of their own.
Descriptor row_major_weights(const ConvolutionGeometry& geometry, const Tensor& weights) {
  Dims dims(weights.shape().begin(), weights.shape().end());
  if (geometry.groups > 1) {
    dims[0] /= geometry.groups;
    dims.insert(dims.begin(), geometry.groups);
  }
  constexpr std::array tags{Tag::abc, Tag::abcd, Tag::abcde, Tag::abcdef};
  return {dims, data_type(weights.dtype()), tags[dims.size() - 3]};
}

Descriptor in_any_layout(const Descriptor& descriptor) { return {descriptor.dims(), descriptor.data_type(), Tag::any}; }

Problem problem_of(const ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& bias,
                   const Tensor& dst) {
  Problem result{channels_last(src), row_major_weights(geometry, weights), {}, channels_last(dst), {}, {}, {}, {}};
  if (bias.defined()) result.bias = {{bias.numel()}, data_type(bias.dtype()), Tag::a};
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(geometry.axes); ++axis) {
    result.stride.push_back(geometry.stride[axis]);
    result.dilation.push_back(geometry.dilation[axis] - 1);
    result.before.push_back(geometry.before[axis]);
    result.after.push_back(geometry.after[axis]);
  }
  return result;
}

dnnl::convolution_forward::primitive_desc forward_of(const Problem& p) {
  return {
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, p.src,
                                      in_any_layout(p.weights), p.bias, p.dst, p.stride, p.dilation, p.before, p.after),
      attributes(), engine()};
}

Key key_of(Kind kind, const ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& bias,
           const Tensor& dst) {
  Key key(kind, threads_for(2 * dst.numel() * (weights.numel() / weights.size(0)), kWorthForking));
  key.add(static_cast<std::int64_t>(src.dtype())).add(geometry.axes).add(geometry.groups).add(bias.defined() ? 1 : 0);
  for (const Tensor* t : {&src, &weights, &dst}) {
    for (const std::int64_t size : t->shape()) key.add(size);
  }
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(geometry.axes); ++axis) {
    key.add(geometry.stride[axis]).add(geometry.dilation[axis]).add(geometry.before[axis]).add(geometry.after[axis]);
  }
  return key;
}

/// Whether each window is one element, and some elements lie between them.
bool strides_single_elements(const ConvolutionGeometry& geometry, const Tensor& weights) {
  bool single = true, strided = false;
  for (int axis = 0; axis < geometry.axes; ++axis) {
    single = single && weights.shape()[axis + 2] == 1;
    strided = strided || geometry.stride[static_cast<std::size_t>(axis)] != 1;
  }
  return single && strided;
}

/// What windows of one element see: [N, C, as many as in `dst`...], channels-last.
Tensor seen_elements(const ConvolutionGeometry& geometry, const Tensor& src, const Shape& dst) {
  Shape shape = src.shape(), part_shape = src.shape();
  Strides from_strides = src.strides();
  for (int axis = 2; axis < src.dim(); ++axis) shape[axis] = dst[axis];
  Tensor seen = Tensor::allocate({shape, src.dtype(), Format::channels_last});
  seen.zero_();
  std::int64_t from = src.offset(), to = seen.offset();
  for (int axis = 2; axis < src.dim(); ++axis) {
    const auto k = static_cast<std::size_t>(axis - 2);
    const std::int64_t stride = geometry.stride[k], before = geometry.before[k];
    const std::int64_t first = (before + stride - 1) / stride;  // the others see padding
    const std::int64_t end = std::min(dst[axis], (src.shape()[axis] + before + stride - 1) / stride);
    if (end <= first) return seen;
    part_shape[axis] = end - first;
    from += (first * stride - before) * src.strides()[axis];
    to += first * seen.strides()[axis];
    from_strides[axis] *= stride;
  }
  Tensor part = seen.alias(part_shape, seen.strides(), to);
  copy_elements(src.alias(part_shape, from_strides, from), part);
  return seen;
}

}  // namespace

void convolution(const ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& bias,
                 Tensor& dst) {
  const auto build = [&] {
    const Problem p = problem_of(geometry, src, weights, bias, dst);
    const auto pd = forward_of(p);
    Built built{dnnl::convolution_forward(pd), {p.src, p.weights, p.dst}, pd.scratchpad_desc().get_size()};
    built.wanted = {pd.src_desc(), pd.weights_desc(), pd.dst_desc()};
    if (bias.defined()) {
      built.descriptors.push_back(p.bias);
      built.wanted.push_back(pd.bias_desc());
    }
    return built;
  };
  const Key key = key_of(Kind::convolution, geometry, src, weights, bias, dst);
  const Argument a = in(DNNL_ARG_SRC, src), b = in(DNNL_ARG_WEIGHTS, weights), c = out(DNNL_ARG_DST, dst);
  if (bias.defined())
    run(key, {a, b, c, in(DNNL_ARG_BIAS, bias)}, build);
  else
    run(key, {a, b, c}, build);
}

void convolution_backward_data(const ConvolutionGeometry& geometry, const Tensor& diff_dst, const Tensor& weights,
                               Tensor& diff_src) {
  const auto build = [&] {
    const Problem p = problem_of(geometry, diff_src, weights, {}, diff_dst);
    const dnnl::convolution_backward_data::primitive_desc pd(
        dnnl::convolution_backward_data::desc(dnnl::algorithm::convolution_direct, p.src, in_any_layout(p.weights),
                                              p.dst, p.stride, p.dilation, p.before, p.after),
        attributes(), engine(), forward_of(p));
    Built built{dnnl::convolution_backward_data(pd), {p.dst, p.weights, p.src}, pd.scratchpad_desc().get_size()};
    built.wanted = {pd.diff_dst_desc(), pd.weights_desc(), pd.diff_src_desc()};
    return built;
  };
  run(key_of(Kind::convolution_backward_data, geometry, diff_src, weights, {}, diff_dst),
      {in(DNNL_ARG_DIFF_DST, diff_dst), in(DNNL_ARG_WEIGHTS, weights), out(DNNL_ARG_DIFF_SRC, diff_src)}, build);
}

void convolution_backward_weights(const ConvolutionGeometry& given, const Tensor& whole_src, const Tensor& diff_dst,
                                  Tensor& diff_weights, Tensor& diff_bias) {
  ConvolutionGeometry geometry = given;
  Tensor src = whole_src;
  if (strides_single_elements(given, diff_weights)) {
    // oneDNN 2.6 gives wrong sums for 1x1 windows with a stride here (its issue 6035), so it gets just what they see.
    src = seen_elements(given, whole_src, diff_dst.shape());
    geometry.stride.fill(1);
    geometry.before.fill(0);
    geometry.after.fill(0);
  }
  const auto build = [&] {
    const Problem p = problem_of(geometry, src, diff_weights, diff_bias, diff_dst);
    const dnnl::convolution_backward_weights::primitive_desc pd(
        dnnl::convolution_backward_weights::desc(dnnl::algorithm::convolution_direct, p.src, in_any_layout(p.weights),
                                                 p.bias, p.dst, p.stride, p.dilation, p.before, p.after),
        attributes(), engine(), forward_of(p));
    Built built{
        dnnl::convolution_backward_weights(pd), {p.src, p.dst, p.weights, p.bias}, pd.scratchpad_desc().get_size()};
    built.wanted = {pd.src_desc(), pd.diff_dst_desc(), pd.diff_weights_desc(), pd.diff_bias_desc()};
    return built;
  };
  run(key_of(Kind::convolution_backward_weights, geometry, src, diff_weights, diff_bias, diff_dst),
      {in(DNNL_ARG_SRC, src), in(DNNL_ARG_DIFF_DST, diff_dst), out(DNNL_ARG_DIFF_WEIGHTS, diff_weights),
       out(DNNL_ARG_DIFF_BIAS, diff_bias)},
      build);
}

}  // namespace dagrad::onednn
