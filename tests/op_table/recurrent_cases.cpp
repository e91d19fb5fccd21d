#include "op_table/recurrent_cases.h"

#include <cmath>

namespace dagrad::op_table {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// One sequence's state.
struct State {
  std::vector<double> h, c;
};

/// weights [rows, columns] x + bias.
std::vector<double> affine(const Array& weights, const Array* bias, const std::vector<double>& x) {
  const std::int64_t rows = weights.shape[0], columns = weights.shape[1];
  std::vector<double> result;
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = bias == nullptr ? 0 : (*bias)[r];
    for (std::int64_t i = 0; i < columns; ++i) sum += weights[r * columns + i] * x[static_cast<std::size_t>(i)];
    result.push_back(sum);
  }
  return result;
}

/// The state after a step, from the parts a and b of the gates that come from x and from h.
State step(CellKind kind, const std::vector<double>& a, const std::vector<double>& b, const State& before) {
  const std::size_t hidden = before.h.size();
  State after = before;
  for (std::size_t j = 0; j < hidden; ++j) {
    const auto sum = [&](std::size_t gate) { return a[gate * hidden + j] + b[gate * hidden + j]; };
    switch (kind) {
      case CellKind::rnn_tanh: after.h[j] = std::tanh(sum(0)); break;
      case CellKind::rnn_relu: after.h[j] = std::max(sum(0), 0.0); break;
      case CellKind::lstm:
        after.c[j] = sigmoid(sum(1)) * before.c[j] + sigmoid(sum(0)) * std::tanh(sum(2));
        after.h[j] = sigmoid(sum(3)) * std::tanh(after.c[j]);
        break;
      case CellKind::gru: {
        const double r = sigmoid(sum(0)), z = sigmoid(sum(1));
        const double n = std::tanh(a[2 * hidden + j] + r * b[2 * hidden + j]);
        after.h[j] = (1 - z) * n + z * before.h[j];
        break;
      }
    }
  }
  return after;
}

}  // namespace

std::int64_t gates_of(CellKind kind) { return kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1; }

std::vector<Input> inputs_of(CellKind kind, const Network& n) {
  const double bound = 1.5 / std::sqrt(static_cast<double>(n.hidden));
  const Domain weights{.low = -bound, .high = bound};
  const std::int64_t rows = gates_of(kind) * n.hidden;
  std::vector<Input> result{{n.sequence(n.inputs), {.low = -1, .high = 1}}};
  for (std::int64_t layer = 0; layer < n.layers; ++layer) {
    for (std::int64_t k = 0; k < n.directions(); ++k) {
      result.push_back({{rows, layer == 0 ? n.inputs : n.directions() * n.hidden}, weights});
      result.push_back({{rows, n.hidden}, weights});
      if (n.biases) result.insert(result.end(), 2, {{rows}, weights});
    }
  }
  if (n.initial) result.insert(result.end(), kind == CellKind::lstm ? 2 : 1, {n.states(), {.low = -1, .high = 1}});
  const Domain steps{.low = 0, .high = static_cast<double>(n.steps), .integers = true};
  if (n.skip == Skip::lengths) result.push_back({{n.batch}, steps, i64});
  if (n.skip == Skip::mask)
    result.push_back({n.batch_first ? Shape{n.batch, n.steps} : Shape{n.steps, n.batch},
                      {.low = 0, .high = 1, .integers = true},
                      boolean});
  return result;
}

std::vector<Tensor> call(CellKind kind, const Network& n, std::span<const Tensor> in) {
  std::size_t next = 1;
  std::vector<RecurrentWeights> weights;
  for (std::int64_t i = 0; i < n.layers * n.directions(); ++i) {
    RecurrentWeights& w = weights.emplace_back();
    w.weight_ih = in[next++];
    w.weight_hh = in[next++];
    if (!n.biases) continue;
    w.bias_ih = in[next++];
    w.bias_hh = in[next++];
  }
  Tensor h_0, c_0;
  if (n.initial) h_0 = in[next++];
  if (n.initial && kind == CellKind::lstm) c_0 = in[next++];
  RecurrentOptions options{.bidirectional = n.bidirectional, .batch_first = n.batch_first};
  if (n.skip == Skip::lengths) options.lengths = in[next];
  if (n.skip == Skip::mask) options.mask = in[next];
  if (kind == CellKind::lstm) {
    const LstmResult result = lstm(in[0], weights, {h_0, c_0}, options);
    return {result.output, result.h_n, result.c_n};
  }
  if (kind == CellKind::gru) {
    const RnnResult result = gru(in[0], weights, h_0, options);
    return {result.output, result.h_n};
  }
  const auto nonlinearity = kind == CellKind::rnn_relu ? RnnNonlinearity::relu : RnnNonlinearity::tanh;
  const RnnResult result = rnn(in[0], weights, h_0, nonlinearity, options);
  return {result.output, result.h_n};
}

Arrays reference(CellKind kind, const Network& n, std::span<const Array> in) {
  const std::int64_t parts = n.biases ? 4 : 2, directions = n.directions();
  const std::size_t first_state = static_cast<std::size_t>(1 + n.layers * directions * parts);
  const auto at = [&](std::int64_t time, std::int64_t row) {
    return n.batch_first ? row * n.steps + time : time * n.batch + row;
  };
  const auto counts = [&](std::int64_t time, std::int64_t row) {
    if (n.skip == Skip::lengths) return static_cast<double>(time) < in.back()[row];
    return n.skip == Skip::nothing || in.back()[at(time, row)] != 0;
  };
  Array x = in[0], h_n(n.states()), c_n(n.states());
  for (std::int64_t layer = 0; layer < n.layers; ++layer) {
    const std::int64_t width = x.shape.back();
    Array output(n.sequence(directions * n.hidden));
    for (std::int64_t k = 0; k < directions; ++k) {
      const std::int64_t index = layer * directions + k;
      const Array* w = &in[static_cast<std::size_t>(1 + index * parts)];
      for (std::int64_t row = 0; row < n.batch; ++row) {
        const std::int64_t state_at = (index * n.batch + row) * n.hidden;
        State state{std::vector<double>(static_cast<std::size_t>(n.hidden)),
                    std::vector<double>(static_cast<std::size_t>(n.hidden))};
        for (std::int64_t j = 0; j < n.hidden && n.initial; ++j) {
          state.h[static_cast<std::size_t>(j)] = in[first_state][state_at + j];
          if (kind == CellKind::lstm) state.c[static_cast<std::size_t>(j)] = in[first_state + 1][state_at + j];
        }
        for (std::int64_t s = 0; s < n.steps; ++s) {
          const std::int64_t time = k == 0 ? s : n.steps - 1 - s;
          if (!counts(time, row)) continue;
          const auto from = x.values.begin() + at(time, row) * width;
          state = step(kind, affine(w[0], n.biases ? &w[2] : nullptr, {from, from + width}),
                       affine(w[1], n.biases ? &w[3] : nullptr, state.h), state);
          for (std::int64_t j = 0; j < n.hidden; ++j)
            output[(at(time, row) * directions + k) * n.hidden + j] = state.h[static_cast<std::size_t>(j)];
        }
        for (std::int64_t j = 0; j < n.hidden; ++j) {
          h_n[state_at + j] = state.h[static_cast<std::size_t>(j)];
          c_n[state_at + j] = state.c[static_cast<std::size_t>(j)];
        }
      }
    }
    x = output;
  }
  if (kind == CellKind::lstm) return {x, h_n, c_n};
  return {x, h_n};
}

}  // namespace dagrad::op_table
