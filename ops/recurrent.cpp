#include "dagrad/ops/recurrent.h"

#include <fmt/format.h>
#include <string>
#include <vector>

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/each_replay_on.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/recurrent_cells.h"
#include "dagrad/ops/recurrent_run.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using recurrent::kInputs;

/// What a call is about, after its checks: T, N, ... and how many of what.
struct Network {
  std::string_view op;
  std::int64_t gates;
  const RecurrentOptions& options;
  std::span<const RecurrentWeights> weights;
  bool batched;
  std::int64_t steps = 0, batch = 1, inputs = 0, hidden = 0;

  std::size_t directions() const { return options.bidirectional ? 2 : 1; }
  std::int64_t rows_of_states() const { return static_cast<std::int64_t>(weights.size()); }
  Shape states() const { return batched ? Shape{rows_of_states(), batch, hidden} : Shape{rows_of_states(), hidden}; }
};

void check_type(const Network& n, const Tensor& x, const std::string& name, const Tensor& t) {
  if (same_type(t, x)) return;
  throw DTypeError(fmt::format("{}: element types differ: x is {}, {} is {} (want one type; cast with to())", n.op,
                               name_of(x.dtype()), name, name_of(t.dtype())));
}

[[noreturn]] void throw_shape(const Network& n, const std::string& name, const Tensor& t, const std::string& want) {
  throw ShapeError(fmt::format("{}: {} is {} (want {})", n.op, name, t.shape().str(), want));
}

/// `[4 H, columns]`.
std::string with_gates(const Network& n, const char* columns) {
  return n.gates == 1 ? fmt::format("[H, {}]", columns) : fmt::format("[{} H, {}]", n.gates, columns);
}

void check_x(Network& n, const Tensor& x) {
  if (x.dim() != 2 && x.dim() != 3) {
    throw_shape(
        n, "x", x,
        n.options.batch_first ? "[N, T, I], or [T, I] without a batch" : "[T, N, I], or [T, I] without a batch");
  }
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: x is {} (want f32, bf16 or f64)", n.op, name_of(x.dtype())));
  const bool turned = n.batched && n.options.batch_first;
  n.steps = x.size(turned ? 1 : 0);
  if (n.batched) n.batch = x.size(turned ? 0 : 1);
  n.inputs = x.size(-1);
  if (n.steps == 0) throw_shape(n, "x", x, "at least one step");
}

void check_weights(Network& n, const Tensor& x) {
  const std::size_t directions = n.directions();
  if (n.weights.empty() || n.weights.size() % directions != 0) {
    throw UsageError(fmt::format("{}: {} sets of weights (want {})", n.op, n.weights.size(),
                                 directions == 1 ? "one for each layer" : "two for each layer: forward, reverse"));
  }
  for (std::size_t i = 0; i < n.weights.size(); ++i) {
    const RecurrentWeights& w = n.weights[i];
    const std::size_t layer = i / directions;
    const auto name = [&](const char* part) {
      return fmt::format("{}_l{}{}", part, layer, i % directions == 1 ? "_reverse" : "");
    };
    for (const auto& [part, t] : {std::pair{"weight_ih", &w.weight_ih}, {"weight_hh", &w.weight_hh}}) {
      if (!t->defined())
        throw UsageError(fmt::format("{}: {} is undefined (want {})", n.op, name(part),
                                     std::string_view(part) == "weight_ih" ? with_gates(n, "I") : with_gates(n, "H")));
      check_type(n, x, name(part), *t);
    }
    const Tensor& hh = w.weight_hh;
    if (i == 0) {
      if (hh.dim() != 2 || hh.size(1) < 1 || hh.size(0) != n.gates * hh.size(1)) {
        throw_shape(n, name("weight_hh"), hh, with_gates(n, "H") + " with H at least 1");
      }
      n.hidden = hh.size(1);
    }
    const std::int64_t rows = n.gates * n.hidden,
                       inputs = layer == 0 ? n.inputs : static_cast<std::int64_t>(directions) * n.hidden;
    const auto want = [&](const char* part, const Tensor& t, const Shape& shape) {
      if (t.shape() != shape) throw_shape(n, name(part), t, shape.str());
    };
    want("weight_hh", hh, {rows, n.hidden});
    if (const Tensor& ih = w.weight_ih; layer == 0 && ih.dim() == 2 && ih.size(0) == rows && ih.size(1) != inputs) {
      throw ShapeError(
          fmt::format("{}: x has {} features, the layer wants {}: x is {}, {} is {} (want x.size(-1) == {})", n.op,
                      inputs, ih.size(1), x.shape().str(), name("weight_ih"), ih.shape().str(), ih.size(1)));
    }
    want("weight_ih", w.weight_ih, {rows, inputs});
    for (const auto& [part, t] : {std::pair{"bias_ih", &w.bias_ih}, {"bias_hh", &w.bias_hh}}) {
      if (!t->defined()) continue;
      check_type(n, x, name(part), *t);
      want(part, *t, {rows});
    }
  }
}

void check_state(const Network& n, const Tensor& x, const char* name, const Tensor& state) {
  if (!state.defined()) return;
  check_type(n, x, name, state);
  if (state.shape() != n.states()) throw_shape(n, name, state, n.states().str());
}

/// The mask [T, N] of the steps that count, or undefined for all.
Tensor mask_of(const Network& n) {
  const Tensor& lengths = n.options.lengths;
  const Tensor& mask = n.options.mask;
  if (mask.defined()) {
    if (lengths.defined()) throw UsageError(fmt::format("{}: lengths and mask (want one of them)", n.op));
    if (mask.dtype() != DType::boolean)
      throw DTypeError(fmt::format("{}: mask is {} (want {})", n.op, name_of(mask.dtype()), name_of(DType::boolean)));
    const bool turned = n.batched && n.options.batch_first;
    const Shape want = turned ? Shape{n.batch, n.steps} : Shape{n.steps, n.batch};
    if (mask.shape() != want) throw_shape(n, "mask", mask, want.str());
    return turned ? transpose(mask) : mask;
  }
  if (!lengths.defined()) return {};
  if (lengths.dtype() != i64)
    throw DTypeError(fmt::format("{}: lengths are {} (want i64)", n.op, name_of(lengths.dtype())));
  if (lengths.shape() != Shape{n.batch}) throw_shape(n, "lengths", lengths, Shape{n.batch}.str());
  const auto write = [op = n.op, steps = n.steps](const Tensor& of, Tensor& dst) {
    const std::vector<std::int64_t> values = of.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0 || values[i] > steps)
        throw UsageError(fmt::format("{}: lengths[{}] is {} (want 0 to {})", op, i, values[i], steps));
    }
    bool* counts = dst.mutable_data<bool>();
    for (std::int64_t time = 0; time < steps; ++time) {
      for (const std::int64_t length : values) *counts++ = time < length;
    }
  };
  Tensor result = empty({n.steps, n.batch}, DType::boolean);
  each_replay_on(n.op, {&lengths, 1}, {&result, 1}, [write](auto in, auto out) { write(in[0], out[0]); });
  return result;
}

Network checked(std::string_view op, std::int64_t gates, const Tensor& x, std::span<const RecurrentWeights> weights,
                const Tensor& h_0, const Tensor& c_0, const RecurrentOptions& options) {
  Network n{op, gates, options, weights, x.dim() == 3};
  check_x(n, x);
  check_weights(n, x);
  check_state(n, x, "h_0", h_0);
  check_state(n, x, "c_0", c_0);
  if (!(options.dropout >= 0 && options.dropout <= 1))
    throw UsageError(fmt::format("{}: dropout is {} (want 0 <= dropout <= 1)", op, options.dropout));
  return n;
}

/// Each layer in each direction, by `layer(inputs, reverse)`, from the lowest up: output and the last states.
template <std::size_t States, class Layer>
std::array<Tensor, 1 + States> run_layers(const Network& n, const Tensor& x, const std::array<Tensor, States>& initial,
                                          const Layer& layer, Location where) {
  const bool turned = n.batched && n.options.batch_first;
  const Tensor mask = mask_of(n), cast = autocast_to(AutocastRule::bf16, x, where);
  Tensor src = turned ? transpose(cast, 0, 1, where) : n.batched ? cast : unsqueeze(cast, 1, where);
  std::array<std::vector<Tensor>, States> last;
  for (std::size_t i = 0; i < n.weights.size(); i += n.directions()) {
    if (i > 0 && n.options.training && n.options.dropout > 0)
      src = dropout(src, n.options.dropout, n.options.generator ? *n.options.generator : default_generator(), where);
    std::vector<Tensor> outputs;
    for (std::size_t k = i; k < i + n.directions(); ++k) {
      const RecurrentWeights& w = n.weights[k];
      std::array<Tensor, kInputs> in{src, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, mask};
      for (std::size_t s = 0; s < States; ++s) {
        if (!initial[s].defined()) continue;
        const Tensor state = select(initial[s], 0, static_cast<std::int64_t>(k), where);
        in[recurrent::kH0 + s] = n.batched ? state : unsqueeze(state, 0, where);
      }
      auto results = layer(std::span<const Tensor>(in), k > i);
      outputs.push_back(std::move(results[0]));
      for (std::size_t s = 0; s < States; ++s)
        last[s].push_back(n.batched ? std::move(results[1 + s]) : squeeze(results[1 + s], 0, where));
    }
    src = outputs.size() == 1 ? outputs[0] : cat(outputs, 2, where);
  }
  std::array<Tensor, 1 + States> results;
  results[0] = turned ? transpose(src, 0, 1, where) : n.batched ? src : squeeze(src, 1, where);
  for (std::size_t s = 0; s < States; ++s)
    results[1 + s] = last[s].size() == 1 ? unsqueeze(last[s][0], 0, where) : stack(last[s], 0, where);
  return results;
}

}  // namespace

RnnResult rnn(const Tensor& x, std::span<const RecurrentWeights> weights, const Tensor& h_0,
              RnnNonlinearity nonlinearity, const RecurrentOptions& options, Location where) {
  const Network n = checked("rnn", 1, x, weights, h_0, {}, options);
  const auto layer = [&](std::span<const Tensor> in, bool reverse) {
    return recurrent::rnn_layer(in, nonlinearity == RnnNonlinearity::relu, reverse, where);
  };
  auto [output, h_n] = run_layers<1>(n, x, {h_0}, layer, where);
  return {output, h_n};
}

LstmResult lstm(const Tensor& x, std::span<const RecurrentWeights> weights, const LstmState& initial,
                const RecurrentOptions& options, Location where) {
  const Network n = checked("lstm", 4, x, weights, initial.h_0, initial.c_0, options);
  const auto layer = [&](std::span<const Tensor> in, bool reverse) {
    return recurrent::lstm_layer(in, reverse, where);
  };
  auto [output, h_n, c_n] = run_layers<2>(n, x, {initial.h_0, initial.c_0}, layer, where);
  return {output, h_n, c_n};
}

RnnResult gru(const Tensor& x, std::span<const RecurrentWeights> weights, const Tensor& h_0,
              const RecurrentOptions& options, Location where) {
  const Network n = checked("gru", 3, x, weights, h_0, {}, options);
  const auto layer = [&](std::span<const Tensor> in, bool reverse) { return recurrent::gru_layer(in, reverse, where); };
  auto [output, h_n] = run_layers<1>(n, x, {h_0}, layer, where);
  return {output, h_n};
}

}  // namespace dagrad
