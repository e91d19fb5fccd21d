#include "dagrad/nn/mlp.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/dropout.h"
#include "dagrad/nn/layers.h"

namespace dagrad::nn {

Sequential mlp(const std::vector<std::int64_t>& widths, const MlpOptions& options) {
  if (widths.size() < 2) throw UsageError(fmt::format("mlp: {} widths (want at least two: in and out)", widths.size()));
  const bool normalized = options.norm != NormKind::none;
  const bool norm_first = options.norm_place == NormPlace::before_activation;
  const bool bias = !(norm_first && removes_bias(options.norm));
  Sequential net;
  const std::size_t layers = widths.size() - 1;
  for (std::size_t i = 0; i + 1 < layers; ++i) {
    const std::int64_t width = widths[i + 1];
    net.add(Linear(widths[i], width, bias));
    if (normalized && norm_first) net.add(make_norm(options.norm, width));
    if (options.activation != ActivationKind::none) net.add(make_activation(options.activation, width));
    if (normalized && !norm_first) net.add(make_norm(options.norm, width));
    if (options.dropout != 0) net.add(Dropout(options.dropout));
  }
  net.add(Linear(widths[layers - 1], widths[layers]));
  initialise(net, options.init, options.activation);
  net.name_parameters();
  return net;
}

}  // namespace dagrad::nn
