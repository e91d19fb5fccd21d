// Recurrent networks and their cells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagrad/core/random.h"
#include "dagrad/nn/module.h"
#include "dagrad/ops/recurrent.h"

namespace dagrad::nn {

/// How many layers, and which.
struct RecurrentLayers {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;  ///< x and output are [N, T, ...] in place of [T, N, ...]
  double dropout = 0;        ///< probability, on the output of each layer but the last; only in training
  bool bidirectional = false;
};

/// Which steps of a padded batch count; with neither, all of them. See RecurrentOptions.
struct SequencePadding {
  Tensor lengths = {};  ///< i64 [N]
  Tensor mask = {};     ///< boolean [T, N] (batch_first: [N, T])
};

/// What RNN, LSTM and GRU share: the weights, under PyTorch's names and in its order: weight_ih_l0, weight_hh_l0,
/// bias_ih_l0, bias_hh_l0, then with two directions the same with _reverse, then layer 1. All start as
/// U(-1/sqrt(hidden), 1/sqrt(hidden)).
class RecurrentNetwork : public Module {
 public:
  void parts(Parts& p) override;
  std::string describe() const override;

  /// Layer 0, with two directions its reverse, layer 1, ...
  std::vector<RecurrentWeights> weights;
  /// Of the dropout; its own, forked off the calling thread's when the network is made.
  Generator generator;

  std::int64_t input_size() const { return inputs_; }
  std::int64_t hidden_size() const { return hidden_; }
  const RecurrentLayers& layers() const { return layers_; }

 protected:
  /// Throws ShapeError unless all sizes are at least 1, UsageError for a dropout outside [0, 1].
  RecurrentNetwork(const char* kind, std::int64_t gates, std::int64_t inputs, std::int64_t hidden,
                   const RecurrentLayers& layers);
  RecurrentOptions options(const SequencePadding& padding);

 private:
  const char* kind_;
  std::int64_t inputs_, hidden_;
  RecurrentLayers layers_;
};

/// h = tanh(weight_ih x + bias_ih + weight_hh h + bias_hh), or relu, over sequences x [T, N, in]. `net(x)` is the
/// output of the last layer [T, N, hidden] (two directions: [T, N, 2 hidden]), from states of zeros; with further
/// arguments the last states are given as well. See dagrad::rnn for the shapes, also those without a batch.
class RNN : public RecurrentNetwork {
 public:
  RNN(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers = {},
      RnnNonlinearity nonlinearity = RnnNonlinearity::tanh);
  Tensor forward(const Tensor& x) override { return forward(x, {}).output; }
  RnnResult forward(const Tensor& x, const Tensor& h_0, const SequencePadding& padding = {});
  std::string describe() const override;

  using Module::operator();
  RnnResult operator()(const Tensor& x, const Tensor& h_0, const SequencePadding& padding = {}) {
    return forward(x, h_0, padding);
  }

 private:
  RnnNonlinearity nonlinearity_;
};

/// Long short-term memory, see dagrad::lstm. `net(x)` is the output; `net(x, {h_0, c_0})` gives output, h_n and c_n.
class LSTM : public RecurrentNetwork {
 public:
  LSTM(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers = {});
  Tensor forward(const Tensor& x) override { return forward(x, LstmState{}).output; }
  LstmResult forward(const Tensor& x, const LstmState& initial, const SequencePadding& padding = {});

  using Module::operator();
  LstmResult operator()(const Tensor& x, const LstmState& initial, const SequencePadding& padding = {}) {
    return forward(x, initial, padding);
  }
};

/// Gated recurrent unit, see dagrad::gru. `net(x)` is the output; `net(x, h_0)` gives output and h_n.
class GRU : public RecurrentNetwork {
 public:
  GRU(std::int64_t in, std::int64_t hidden, const RecurrentLayers& layers = {});
  Tensor forward(const Tensor& x) override { return forward(x, {}).output; }
  RnnResult forward(const Tensor& x, const Tensor& h_0, const SequencePadding& padding = {});

  using Module::operator();
  RnnResult operator()(const Tensor& x, const Tensor& h_0, const SequencePadding& padding = {}) {
    return forward(x, h_0, padding);
  }
};

// --- one step at a time ---

/// What the cells share: weight_ih [G hidden, in], weight_hh [G hidden, hidden], bias_ih and bias_hh [G hidden], all
/// U(-1/sqrt(hidden), 1/sqrt(hidden)).
class RecurrentCell : public Module {
 public:
  void parts(Parts& p) override;
  std::string describe() const override;

  RecurrentWeights weights;

 protected:
  RecurrentCell(const char* kind, std::int64_t gates, std::int64_t inputs, std::int64_t hidden, bool bias);

 private:
  const char* kind_;
  std::int64_t inputs_, hidden_;
};

/// One step of RNN: the state after it, from x [N, in] and the state h [N, hidden] before (or [in] and [hidden]); an
/// undefined h stands for zeros.
class RNNCell : public RecurrentCell {
 public:
  RNNCell(std::int64_t in, std::int64_t hidden, bool bias = true, RnnNonlinearity nonlinearity = RnnNonlinearity::tanh);
  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  Tensor forward(const Tensor& x, const Tensor& h);
  std::string describe() const override;

  using Module::operator();
  Tensor operator()(const Tensor& x, const Tensor& h) { return forward(x, h); }

 private:
  RnnNonlinearity nonlinearity_;
};

/// The state of an LSTMCell, each [N, hidden] or [hidden]; undefined stands for zeros.
struct LstmCellState {
  Tensor h = {}, c = {};
};

/// One step of LSTM: the state after it from the one before. `cell(x)` is h from a state of zeros.
class LSTMCell : public RecurrentCell {
 public:
  LSTMCell(std::int64_t in, std::int64_t hidden, bool bias = true);
  Tensor forward(const Tensor& x) override { return forward(x, LstmCellState{}).h; }
  LstmCellState forward(const Tensor& x, const LstmCellState& state);

  using Module::operator();
  LstmCellState operator()(const Tensor& x, const LstmCellState& state) { return forward(x, state); }
};

/// One step of GRU, as RNNCell.
class GRUCell : public RecurrentCell {
 public:
  GRUCell(std::int64_t in, std::int64_t hidden, bool bias = true);
  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  Tensor forward(const Tensor& x, const Tensor& h);

  using Module::operator();
  Tensor operator()(const Tensor& x, const Tensor& h) { return forward(x, h); }
};

}  // namespace dagrad::nn
