// Recurrent networks over whole sequences: rnn, lstm and gru, in several layers and both directions.
#pragma once

#include <cstdint>
#include <span>

#include "dagrad/core/location.h"
#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// One layer's weights in one direction, in PyTorch's shapes: weight_ih [G H, I], weight_hh [G H, H], bias_ih and
/// bias_hh [G H] or undefined. G is 1 in rnn; 4 in lstm, in the order i, f, g, o; 3 in gru, in the order r, z, n. I is
/// the number of features of x, and in layers above the first H, or 2 H with two directions.
struct RecurrentWeights {
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;
};

struct RecurrentOptions {
  bool bidirectional = false;  ///< a second set of weights reads each sequence from its end
  bool batch_first = false;    ///< x and output are [N, T, ...] in place of [T, N, ...]
  double dropout = 0;          ///< probability, on the output of each layer but the last; only in training
  bool training = true;
  Tensor lengths = {};  ///< i64 [N]: the steps of each sequence, 0 to T; what x holds behind them has no influence
  Tensor mask = {};     ///< boolean [T, N] (batch_first: [N, T]), in place of lengths: where false, the step is skipped
  Generator* generator = nullptr;  ///< of the dropout; null: the calling thread's
};

enum class RnnNonlinearity : std::uint8_t { tanh, relu };

/// With L layers and D directions: output [T, N, D H] of the last layer (the forward direction's H first), 0 where a
/// sequence has ended; h_n [L D, N, H], the states after the last step of each sequence, in the order of the weights.
struct RnnResult {
  Tensor output, h_n;
};
/// The same, and c_n [L D, N, H].
struct LstmResult {
  Tensor output, h_n, c_n;
};
/// The states before the first step, each [L D, N, H], or undefined for zeros.
struct LstmState {
  Tensor h_0 = {}, c_0 = {};
};

/// h = tanh(weight_ih x + bias_ih + weight_hh h + bias_hh), or relu, for every step of x [T, N, I], or of [T, I]
/// without a batch (then N is missing in the results too). `weights` are those of layer 0, with two directions those of
/// its reverse, then layer 1, ...; h_0 [L D, N, H] may be undefined, for zeros. f32, f64; with x
/// in bf16 the products are of bf16, summed in f32, and all else is computed in f32. Under autocast x is cast to bf16,
/// the weights' gradients, h_n and c_n stay f32. The gradient of relu at 0 is 0. Throws ShapeError, DTypeError,
/// UsageError. (PyTorch: RNN.)
RnnResult rnn(const Tensor& x, std::span<const RecurrentWeights> weights, const Tensor& h_0 = {},
              RnnNonlinearity nonlinearity = RnnNonlinearity::tanh, const RecurrentOptions& options = {},
              Location where = Location::current());

/// Long short-term memory (Hochreiter and Schmidhuber 1997; with a forget gate, Gers et al. 2000). With s = weight_ih x
/// + bias_ih + weight_hh h + bias_hh: i = sigmoid(s_i), f = sigmoid(s_f), g = tanh(s_g), o = sigmoid(s_o), then c = f c
/// + i g and h = o tanh(c). Otherwise as rnn. (PyTorch: LSTM.)
LstmResult lstm(const Tensor& x, std::span<const RecurrentWeights> weights, const LstmState& initial = {},
                const RecurrentOptions& options = {}, Location where = Location::current());

/// Gated recurrent unit (Cho et al. 2014): r = sigmoid(a_r + b_r), z = sigmoid(a_z + b_z), n = tanh(a_n + r b_n), then
/// h = (1 - z) n + z h, where a = weight_ih x + bias_ih and b = weight_hh h + bias_hh: the reset gate acts after the
/// product, as in PyTorch (and cuDNN), not before it. Otherwise as rnn. (PyTorch: GRU.)
RnnResult gru(const Tensor& x, std::span<const RecurrentWeights> weights, const Tensor& h_0 = {},
              const RecurrentOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
