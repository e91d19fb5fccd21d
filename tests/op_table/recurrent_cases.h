// Recurrent networks to try rnn, lstm and gru on, and what they give, by plain loops.
#pragma once

#include "dagrad/ops/recurrent.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {

enum class CellKind { rnn_tanh, rnn_relu, lstm, gru };
enum class Skip { nothing, lengths, mask };

/// A sample's inputs are, in this order: x; for each layer and direction weight_ih, weight_hh, and with `biases`
/// bias_ih, bias_hh; with `initial` h_0 (lstm: and c_0); lengths or mask. Its results: output, h_n (lstm: and c_n).
struct Network {
  const char* name;
  std::int64_t steps, batch, inputs, hidden;
  bool biases = false;
  bool initial = false;
  std::int64_t layers = 1;
  bool bidirectional = false;
  Skip skip = Skip::nothing;
  bool batch_first = false;
  bool batched = true;

  std::int64_t directions() const { return bidirectional ? 2 : 1; }
  Shape states() const {
    return batched ? Shape{layers * directions(), batch, hidden} : Shape{layers * directions(), hidden};
  }
  Shape sequence(std::int64_t width) const {
    if (!batched) return {steps, width};
    return batch_first ? Shape{batch, steps, width} : Shape{steps, batch, width};
  }
};

std::int64_t gates_of(CellKind kind);
std::vector<Input> inputs_of(CellKind kind, const Network& n);
std::vector<Tensor> call(CellKind kind, const Network& n, std::span<const Tensor> in);
Arrays reference(CellKind kind, const Network& n, std::span<const Array> in);

}  // namespace dagrad::op_table
