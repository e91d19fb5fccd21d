#include "dagrad/nn/recurrent_classifier.h"

#include <array>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/kind_names.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

using Kind = RecurrentKind;

constexpr std::array<std::pair<Kind, const char*>, 3> kNames{
    {{Kind::rnn, "rnn"}, {Kind::lstm, "lstm"}, {Kind::gru, "gru"}}};

std::variant<RNN, LSTM, GRU> make_recurrent(std::int64_t features, const RecurrentClassifierOptions& o) {
  const RecurrentLayers layers{
      .num_layers = o.layers, .batch_first = true, .dropout = o.dropout, .bidirectional = o.bidirectional};
  switch (o.kind) {
    case Kind::rnn: return RNN(features, o.hidden, layers);
    case Kind::lstm: return LSTM(features, o.hidden, layers);
    case Kind::gru: break;
  }
  return GRU(features, o.hidden, layers);
}

/// The last states [layers directions, N, H] of a network.
Tensor states(RNN& net, const Tensor& x, const SequencePadding& padding) { return net(x, Tensor(), padding).h_n; }
Tensor states(LSTM& net, const Tensor& x, const SequencePadding& padding) { return net(x, LstmState{}, padding).h_n; }
Tensor states(GRU& net, const Tensor& x, const SequencePadding& padding) { return net(x, Tensor(), padding).h_n; }

/// [N, T, F], from that or from images [N, C, H, W].
Tensor as_sequences(const Tensor& x, std::int64_t features) {
  Tensor rows = x;
  if (x.dim() == 4) rows = flatten(permute(x, {0, 2, 1, 3}), 2);
  if (rows.dim() != 3 || rows.size(2) != features) {
    throw ShapeError(
        fmt::format("RecurrentClassifier: x is {} (want [N, T, {}], or images [N, C, H, W] with C W == {})",
                    x.shape().str(), features, features));
  }
  return rows;
}

}  // namespace

std::vector<std::string> recurrent_names() { return detail::names_of_all<Kind>(kNames); }
std::string_view name_of(RecurrentKind kind) { return detail::first_name<Kind>(kind, kNames); }
RecurrentKind recurrent_kind(std::string_view name) { return detail::kind_named<Kind>("recurrent", name, kNames); }

RecurrentClassifier::RecurrentClassifier(std::int64_t features, std::int64_t classes,
                                         const RecurrentClassifierOptions& options)
    : recurrent(make_recurrent(features, options)),
      dropout(options.dropout),
      linear((options.bidirectional ? 2 : 1) * options.hidden, classes) {
  initialise(*this, options.init, ActivationKind::tanh);
  name_parameters();
}

Tensor RecurrentClassifier::forward(const Tensor& x, const SequencePadding& padding) {
  return std::visit(
      [&](auto& net) {
        const Tensor all = states(net, as_sequences(x, net.input_size()), padding);
        Tensor last = select(all, 0, all.size(0) - 1);
        if (net.layers().bidirectional) last = cat({select(all, 0, all.size(0) - 2), last}, 1);
        return linear(dropout(last));
      },
      recurrent);
}

void RecurrentClassifier::parts(Parts& p) {
  std::visit([&](auto& net) { p.module("recurrent", net); }, recurrent);
  p.module("dropout", dropout);
  p.module("linear", linear);
}

}  // namespace dagrad::nn
