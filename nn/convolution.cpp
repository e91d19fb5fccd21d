#include "dagrad/nn/convolution.h"

#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"

namespace dagrad::nn {
namespace {

/// The name of a layer over `axes` spatial axes.
std::string layer_name(const char* kind, int axes) { return fmt::format("{}{}d", kind, axes); }

/// Checks the channels and gives the weights' shape [first, second / groups, kernel...].
Shape weight_shape(const std::string& layer, int axes, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                   std::int64_t groups, bool transposed) {
  if (in < 1 || out < 1)
    throw UsageError(fmt::format("{}: in is {}, out is {} (want both at least 1)", layer, in, out));
  if (groups < 1 || in % groups != 0 || out % groups != 0) {
    throw UsageError(
        fmt::format("{}: groups is {} for {} and {} channels (want a divisor of both)", layer, groups, in, out));
  }
  const auto sizes = values_of(layer.c_str(), axes, "kernel", kernel, 1);
  Shape shape = transposed ? Shape{in, out / groups} : Shape{out, in / groups};
  for (int axis = 0; axis < axes; ++axis) shape.push_back(sizes[static_cast<std::size_t>(axis)]);
  return shape;
}

/// What weights and bias start within: one over the root of the number of inputs that a sum has.
double first_bound(const Shape& weights) {
  double inputs = 1;
  for (int axis = 1; axis < weights.rank(); ++axis) inputs *= static_cast<double>(weights[axis]);
  return 1 / std::sqrt(inputs);
}

std::string text_of(const PerAxis& values, int axes) {
  std::string text = fmt::format("{}", values[0]);
  bool equal = true;
  for (int axis = 1; axis < axes; ++axis) {
    text += fmt::format("x{}", values[axis]);
    equal = equal && values[axis] == values[0];
  }
  return equal ? fmt::format("{}", values[0]) : text;
}

std::string with_option(const char* name, const PerAxis& values, int axes, const char* usual) {
  const std::string text = text_of(values, axes);
  return text == usual ? "" : fmt::format(", {}={}", name, text);
}

std::string kernel_text(const Tensor& weight) {
  std::string text;
  for (int axis = 2; axis < weight.dim(); ++axis) text += fmt::format("{}{}", axis > 2 ? "x" : "", weight.size(axis));
  return text;
}

/// `more` with what was given by position.
template <class Options>
Options complete(const char* layer, std::int64_t in, std::int64_t out, const PerAxis& kernel, Options more) {
  if (more.in != 0 || more.out != 0 || more.kernel.count() != 1 || more.kernel[0] != 0) {
    throw UsageError(fmt::format("{}: in, out or kernel is given twice (want each by position or by name)", layer));
  }
  more.in = in;
  more.out = out;
  more.kernel = kernel;
  return more;
}

}  // namespace

ConvolutionLayerOptions detail::completed(const char* layer, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                                          ConvolutionLayerOptions more) {
  return complete(layer, in, out, kernel, more);
}
ConvolutionTransposeLayerOptions detail::completed(const char* layer, std::int64_t in, std::int64_t out,
                                                   const PerAxis& kernel, ConvolutionTransposeLayerOptions more) {
  return complete(layer, in, out, kernel, more);
}

Convolution::Convolution(int axes, const ConvolutionLayerOptions& o)
    : options{.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups} {
  const std::string layer = layer_name("Conv", axes);
  const Shape shape = weight_shape(layer, axes, o.in, o.out, o.kernel, o.groups, false);
  values_of(layer.c_str(), axes, "stride", o.stride, 1);
  values_of(layer.c_str(), axes, "dilation", o.dilation, 1);
  if (!o.padding.is_same()) values_of(layer.c_str(), axes, "padding", o.padding.sizes(), 0);
  const double bound = first_bound(shape);
  weight = nn::parameter(uniform(shape, -bound, bound));
  if (o.bias) bias = nn::parameter(uniform({o.out}, -bound, bound));
}

Tensor Convolution::forward(const Tensor& x) {
  switch (weight.dim()) {
    case 3: return conv1d(x, weight, bias, options);
    case 4: return conv2d(x, weight, bias, options);
    default: return conv3d(x, weight, bias, options);
  }
}

void Convolution::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string Convolution::describe() const {
  const int axes = weight.dim() - 2;
  std::string text = fmt::format("{}({}, {}, kernel={}", layer_name("Conv", axes), weight.size(1) * options.groups,
                                 weight.size(0), kernel_text(weight));
  text += with_option("stride", options.stride, axes, "1");
  text += options.padding.is_same() ? ", padding=same" : with_option("padding", options.padding.sizes(), axes, "0");
  text += with_option("dilation", options.dilation, axes, "1");
  if (options.groups != 1) text += fmt::format(", groups={}", options.groups);
  return text + (bias.defined() ? ")" : ", bias=false)");
}

ConvolutionTranspose::ConvolutionTranspose(int axes, const ConvolutionTransposeLayerOptions& o)
    : options{.stride = o.stride,
              .padding = o.padding,
              .output_padding = o.output_padding,
              .groups = o.groups,
              .dilation = o.dilation} {
  const std::string layer = layer_name("ConvTranspose", axes);
  const Shape shape = weight_shape(layer, axes, o.in, o.out, o.kernel, o.groups, true);
  values_of(layer.c_str(), axes, "stride", o.stride, 1);
  values_of(layer.c_str(), axes, "padding", o.padding, 0);
  values_of(layer.c_str(), axes, "output_padding", o.output_padding, 0);
  values_of(layer.c_str(), axes, "dilation", o.dilation, 1);
  const double bound = first_bound(shape);
  weight = nn::parameter(uniform(shape, -bound, bound));
  if (o.bias) bias = nn::parameter(uniform({o.out}, -bound, bound));
}

Tensor ConvolutionTranspose::forward(const Tensor& x) {
  switch (weight.dim()) {
    case 3: return conv_transpose1d(x, weight, bias, options);
    case 4: return conv_transpose2d(x, weight, bias, options);
    default: return conv_transpose3d(x, weight, bias, options);
  }
}

void ConvolutionTranspose::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string ConvolutionTranspose::describe() const {
  const int axes = weight.dim() - 2;
  std::string text = fmt::format("{}({}, {}, kernel={}", layer_name("ConvTranspose", axes), weight.size(0),
                                 weight.size(1) * options.groups, kernel_text(weight));
  text += with_option("stride", options.stride, axes, "1");
  text += with_option("padding", options.padding, axes, "0");
  text += with_option("output_padding", options.output_padding, axes, "0");
  text += with_option("dilation", options.dilation, axes, "1");
  if (options.groups != 1) text += fmt::format(", groups={}", options.groups);
  return text + (bias.defined() ? ")" : ", bias=false)");
}

}  // namespace dagrad::nn
