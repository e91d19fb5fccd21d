#include "dagrad/nn/mlp.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/init.h"
#include "dagrad/nn/layers.h"

namespace dagrad::nn {
namespace {

void initialise(Linear& layer, InitKind kind) {
  if (kind == InitKind::standard) return;
  if (kind == InitKind::he)
    init::kaiming_normal_(layer.weight, {.nonlinearity = init::Nonlinearity::relu});
  else
    init::xavier_uniform_(layer.weight);
  init::zeros_(layer.bias);
}

void add_activation(Sequential& net, ActivationKind kind) {
  switch (kind) {
    case ActivationKind::relu: net.add(ReLU()); return;
    case ActivationKind::tanh: net.add(Tanh()); return;
    case ActivationKind::sigmoid: net.add(Sigmoid()); return;
  }
}

}  // namespace

Sequential mlp(const std::vector<std::int64_t>& widths, const MlpOptions& options) {
  if (widths.size() < 2) throw UsageError(fmt::format("mlp: {} widths (want at least two: in and out)", widths.size()));
  Sequential net;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    initialise(net.add(Linear(widths[i], widths[i + 1])), options.init);
    if (i + 2 == widths.size()) break;
    add_activation(net, options.activation);
    if (options.dropout > 0) net.add(Dropout(options.dropout));
  }
  net.name_parameters();
  return net;
}

}  // namespace dagrad::nn
