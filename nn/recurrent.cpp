#include "dagrad/nn/recurrent.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

void check_sizes(const char* kind, std::int64_t inputs, std::int64_t hidden) {
  if (inputs < 1 || hidden < 1)
    throw ShapeError(fmt::format("{}: in is {}, hidden is {} (want both at least 1)", kind, inputs, hidden));
}

RecurrentWeights make_weights(std::int64_t gates, std::int64_t inputs, std::int64_t hidden, bool bias) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [bound](const Shape& shape) { return parameter(uniform(shape, -bound, bound)); };
  RecurrentWeights w{draw({gates * hidden, inputs}), draw({gates * hidden, hidden}), {}, {}};
  if (bias) {
    w.bias_ih = draw({gates * hidden});
    w.bias_hh = draw({gates * hidden});
  }
  return w;
}

void list(Parts& p, RecurrentWeights& w, const std::string& suffix) {
  p.parameter("weight_ih" + suffix, w.weight_ih);
  p.parameter("weight_hh" + suffix, w.weight_hh);
  p.parameter("bias_ih" + suffix, w.bias_ih);
  p.parameter("bias_hh" + suffix, w.bias_hh);
}

/// Puts `more` behind the last argument of a description.
std::string with_argument(std::string description, const char* more) {
  description.insert(description.size() - 1, more);
  return description;
}

/// A cell's input or state as a sequence or layer of one.
Tensor as_one(const Tensor& t) { return t.defined() ? unsqueeze(t, 0) : t; }

void check_cell_input(const char* kind, const Tensor& x) {
  if (x.dim() != 1 && x.dim() != 2)
    throw ShapeError(fmt::format("{}: x is {} (want [N, in] or [in])", kind, x.shape().str()));
}

}  // namespace

// --- networks ---

RecurrentNetwork::RecurrentNetwork(const char* kind, std::int64_t gates, std::int64_t inputs, std::int64_t hidden,
                                   const RecurrentLayers& layers)
    : generator(layers.dropout > 0 ? default_generator().next_u64() : 0),
      kind_(kind),
      inputs_(inputs),
      hidden_(hidden),
      layers_(layers) {
  check_sizes(kind, inputs, hidden);
  if (layers.num_layers < 1)
    throw ShapeError(fmt::format("{}: num_layers is {} (want at least 1)", kind, layers.num_layers));
  if (!(layers.dropout >= 0 && layers.dropout <= 1))
    throw UsageError(fmt::format("{}: dropout is {} (want 0 <= dropout <= 1)", kind, layers.dropout));
  const std::int64_t directions = layers.bidirectional ? 2 : 1;
  for (std::int64_t layer = 0; layer < layers.num_layers; ++layer) {
    for (std::int64_t k = 0; k < directions; ++k)
      weights.push_back(make_weights(gates, layer == 0 ? inputs : directions * hidden, hidden, layers.bias));
  }
}

void RecurrentNetwork::parts(Parts& p) {
  const std::size_t directions = layers_.bidirectional ? 2 : 1;
  for (std::size_t i = 0; i < weights.size(); ++i)
    list(p, weights[i], fmt::format("_l{}{}", i / directions, i % directions == 1 ? "_reverse" : ""));
  p.generator("generator", generator);
}

std::string RecurrentNetwork::describe() const {
  std::string text = fmt::format("{}({}, {}", kind_, inputs_, hidden_);
  if (layers_.num_layers != 1) text += fmt::format(", num_layers={}", layers_.num_layers);
  if (!layers_.bias) text += ", bias=false";
  if (layers_.batch_first) text += ", batch_first=true";
  if (layers_.dropout > 0) text += fmt::format(", dropout={}", layers_.dropout);
  if (layers_.bidirectional) text += ", bidirectional=true";
  return text + ")";
}

RecurrentOptions RecurrentNetwork::options(const SequencePadding& padding) {
  return {.bidirectional = layers_.bidirectional,
          .batch_first = layers_.batch_first,
          .dropout = layers_.dropout,
          .training = is_training(),
          .lengths = padding.lengths,
          .mask = padding.mask,
          .generator = &generator};
}

RNN::RNN(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers, RnnNonlinearity nonlinearity)
    : RecurrentNetwork("RNN", 1, in, hidden, layers), nonlinearity_(nonlinearity) {}

RnnResult RNN::forward(const Tensor& x, const Tensor& h_0, const SequencePadding& padding) {
  return rnn(x, weights, h_0, nonlinearity_, options(padding));
}

std::string RNN::describe() const {
  const std::string text = RecurrentNetwork::describe();
  return nonlinearity_ == RnnNonlinearity::tanh ? text : with_argument(text, ", nonlinearity=relu");
}

LSTM::LSTM(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers)
    : RecurrentNetwork("LSTM", 4, in, hidden, layers) {}

LstmResult LSTM::forward(const Tensor& x, const LstmState& initial, const SequencePadding& padding) {
  return lstm(x, weights, initial, options(padding));
}

GRU::GRU(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers)
    : RecurrentNetwork("GRU", 3, in, hidden, layers) {}

RnnResult GRU::forward(const Tensor& x, const Tensor& h_0, const SequencePadding& padding) {
  return gru(x, weights, h_0, options(padding));
}

// --- cells ---

RecurrentCell::RecurrentCell(const char* kind, std::int64_t gates, std::int64_t inputs, std::int64_t hidden, bool bias)
    : kind_(kind), inputs_(inputs), hidden_(hidden) {
  check_sizes(kind, inputs, hidden);
  weights = make_weights(gates, inputs, hidden, bias);
}

void RecurrentCell::parts(Parts& p) { list(p, weights, ""); }

std::string RecurrentCell::describe() const {
  return fmt::format("{}({}, {}{})", kind_, inputs_, hidden_, weights.bias_ih.defined() ? "" : ", bias=false");
}

RNNCell::RNNCell(std::int64_t in, std::int64_t hidden, bool bias, RnnNonlinearity nonlinearity)
    : RecurrentCell("RNNCell", 1, in, hidden, bias), nonlinearity_(nonlinearity) {}

Tensor RNNCell::forward(const Tensor& x, const Tensor& h) {
  check_cell_input("RNNCell", x);
  return squeeze(rnn(as_one(x), std::span(&weights, 1), as_one(h), nonlinearity_).h_n, 0);
}

std::string RNNCell::describe() const {
  const std::string text = RecurrentCell::describe();
  return nonlinearity_ == RnnNonlinearity::tanh ? text : with_argument(text, ", nonlinearity=relu");
}

LSTMCell::LSTMCell(std::int64_t in, std::int64_t hidden, bool bias) : RecurrentCell("LSTMCell", 4, in, hidden, bias) {}

LstmCellState LSTMCell::forward(const Tensor& x, const LstmCellState& state) {
  check_cell_input("LSTMCell", x);
  const LstmResult result = lstm(as_one(x), std::span(&weights, 1), {as_one(state.h), as_one(state.c)});
  return {squeeze(result.h_n, 0), squeeze(result.c_n, 0)};
}

GRUCell::GRUCell(std::int64_t in, std::int64_t hidden, bool bias) : RecurrentCell("GRUCell", 3, in, hidden, bias) {}

Tensor GRUCell::forward(const Tensor& x, const Tensor& h) {
  check_cell_input("GRUCell", x);
  return squeeze(gru(as_one(x), std::span(&weights, 1), as_one(h)).h_n, 0);
}

}  // namespace dagrad::nn
