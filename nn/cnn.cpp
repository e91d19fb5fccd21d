#include "dagrad/nn/cnn.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/convolution.h"
#include "dagrad/nn/dropout.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/pooling.h"

namespace dagrad::nn {
namespace {

void check(const Shape& image, const std::vector<std::int64_t>& channels, const CnnOptions& o) {
  if (image.rank() != 3 || image[0] < 1 || image[1] < 1 || image[2] < 1)
    throw ShapeError(fmt::format("cnn: image is {} (want [C, H, W])", image.str()));
  if (channels.empty()) throw UsageError("cnn: no blocks (want the channels of at least one)");
  if (!(o.channel_dropout >= 0 && o.channel_dropout <= 1))
    throw UsageError(fmt::format("cnn: channel_dropout is {} (want 0 <= p <= 1)", o.channel_dropout));
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw UsageError(fmt::format("cnn: dropout is {} (want 0 <= p <= 1)", o.dropout));
  if (o.kernel < 1 || o.convolutions < 1 || o.pool_size < 1) {
    throw UsageError(fmt::format("cnn: kernel is {}, convolutions is {}, pool_size is {} (want each at least 1)",
                                 o.kernel, o.convolutions, o.pool_size));
  }
}

/// Convolution, norm and activation, in the order that the options say.
void add_layer(Sequential& net, std::int64_t in, std::int64_t out, const CnnOptions& o) {
  const bool normalized = o.norm != NormKind::none;
  const bool norm_first = o.norm_place == NormPlace::before_activation;
  net.add(Conv2d({.in = in,
                  .out = out,
                  .kernel = o.kernel,
                  .padding = (o.kernel - 1) / 2,
                  .bias = !(norm_first && removes_bias(o.norm))}));
  if (normalized && norm_first) net.add(make_norm(o.norm, out, 2, o.groups));
  if (o.activation != ActivationKind::none) net.add(make_activation(o.activation, out));
  if (normalized && !norm_first) net.add(make_norm(o.norm, out, 2, o.groups));
}

/// One of the sizes of an image behind a block.
std::int64_t size_behind(std::int64_t size, const CnnOptions& o) {
  for (std::int64_t i = 0; i < o.convolutions; ++i) size += (o.kernel - 1) / 2 * 2 - (o.kernel - 1);
  return o.pool == PoolKind::none ? size : size / o.pool_size;
}

void add_head(Sequential& net, std::int64_t features, std::int64_t classes, const CnnOptions& o) {
  const auto add_linear = [&](std::int64_t out) {
    if (o.dropout != 0) net.add(Dropout(o.dropout));
    net.add(Linear(features, out));
    features = out;
  };
  for (const std::int64_t width : o.hidden) {
    add_linear(width);
    if (o.activation != ActivationKind::none) net.add(make_activation(o.activation, width));
  }
  add_linear(classes);
}

}  // namespace

Sequential cnn(const Shape& image, const std::vector<std::int64_t>& channels, std::int64_t classes,
               const CnnOptions& options) {
  check(image, channels, options);
  Sequential net;
  std::int64_t in = image[0], height = image[1], width = image[2];
  for (const std::int64_t out : channels) {
    for (std::int64_t i = 0; i < options.convolutions; ++i) add_layer(net, i == 0 ? in : out, out, options);
    if (options.pool == PoolKind::max) net.add(MaxPool2d(options.pool_size));
    if (options.pool == PoolKind::avg) net.add(AvgPool2d(options.pool_size));
    if (options.channel_dropout > 0) net.add(Dropout2d(options.channel_dropout));
    in = out;
    height = size_behind(height, options);
    width = size_behind(width, options);
    if (height < 1 || width < 1) {
      throw ShapeError(fmt::format("cnn: nothing is left of {} behind {} channels (want fewer blocks or less pooling)",
                                   image.str(), out));
    }
  }
  const bool flat = options.head == CnnHead::flatten;
  if (flat)
    net.add(Flatten());
  else
    net.add(GlobalAvgPool());
  add_head(net, flat ? in * height * width : in, classes, options);
  initialise(net, options.init, options.activation);
  net.name_parameters();
  return net;
}

}  // namespace dagrad::nn
