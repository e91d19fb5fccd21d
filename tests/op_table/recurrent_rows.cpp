#include <algorithm>
#include <fmt/format.h>

#include "op_table/recurrent_cases.h"

namespace dagrad::op_table {
namespace {

Sample sample_of(CellKind kind, const Network& n) {
  Sample sample{n.name, inputs_of(kind, n)};
  sample.call = [kind, n](std::span<const Tensor> in) { return call(kind, n, in); };
  sample.reference = [kind, n](std::span<const Array> in) { return reference(kind, n, in); };
  // The longest path goes through every step of every layer, each a sum of products and at most 20 roundings of the
  // functions; with weights of these sizes a step passes errors on about as large as they were.
  const auto products = static_cast<double>(std::max(n.inputs, n.directions() * n.hidden) + n.hidden + 2);
  const auto steps = static_cast<double>(n.steps * n.layers);
  sample.roundings = steps * (products + 20);
  sample.gradient_roundings = sample.roundings + steps * (static_cast<double>(gates_of(kind) * n.hidden) + 40) +
                              static_cast<double>(n.steps * n.batch);
  // Each step rounds the state that goes into its product, and each layer its output.
  sample.bf16_roundings = steps + 3;
  return sample;
}

const std::vector<Network>& networks() {
  static const std::vector<Network> list{
      {"2x2x2_to_3", 2, 2, 2, 3},
      {"one_1x1x1_to_1_biases_initial", 1, 1, 1, 1, true, true},
      {"3x1x2_to_1_biases_initial", 3, 1, 2, 1, true, true},
      {.name = "no_batch_3x2_to_2", .steps = 3, .batch = 1, .inputs = 2, .hidden = 2, .batched = false},
      {.name = "lengths_3x3x1_to_2",
       .steps = 3,
       .batch = 3,
       .inputs = 1,
       .hidden = 2,
       .initial = true,
       .skip = Skip::lengths},
      {.name = "mask_4x2x1_to_2",
       .steps = 4,
       .batch = 2,
       .inputs = 1,
       .hidden = 2,
       .initial = true,
       .skip = Skip::mask},
      {.name = "two_layers_2x2x1_to_1", .steps = 2, .batch = 2, .inputs = 1, .hidden = 1, .layers = 2},
      {.name = "bidirectional_3x2x1_to_1_lengths",
       .steps = 3,
       .batch = 2,
       .inputs = 1,
       .hidden = 1,
       .bidirectional = true,
       .skip = Skip::lengths},
      {.name = "batch_first_2x3x1_to_2_mask",
       .steps = 3,
       .batch = 2,
       .inputs = 1,
       .hidden = 2,
       .skip = Skip::mask,
       .batch_first = true},
      {"no_rows_3x0x2_to_2", 3, 0, 2, 2, true},
      {"no_inputs_3x2x0_to_2", 3, 2, 0, 2, true},
      {"everything_5x4x3_to_6", 5, 4, 3, 6, true, true, 2, true, Skip::lengths, true},
      {"no_batch_3_layers_6x3_to_5", 6, 1, 3, 5, true, true, 3, true, Skip::nothing, false, false},
      {"tail_9x5x7_to_19", 9, 5, 7, 19, true, true},
      {"tail_masked_9x5x7_to_35", 9, 5, 7, 35, true, true, 1, false, Skip::mask},
      {"threads_20x40x9_to_64", 20, 40, 9, 64, true, true},
      {"threads_masked_20x37x9_to_65", 20, 37, 9, 65, true, false, 1, true, Skip::lengths}};
  return list;
}

/// A network of one hidden unit and given weights for each gate, without biases.
struct Unit {
  CellKind kind;
  Array weights_ih() const { return Array({gates_of(kind), 1}, 1); }
  Array weights_hh() const { return Array({gates_of(kind), 1}, 0.5); }
};

/// Results and gradients that do not depend on what stands behind a sequence's end: lengths are 1 and 0 of two steps.
Edge ended(CellKind kind, double first) {
  const Network n{.name = "", .steps = 2, .batch = 2, .inputs = 1, .hidden = 1, .initial = true, .skip = Skip::lengths};
  const Unit unit{kind};
  const bool lstm = kind == CellKind::lstm;
  Edge edge{
      "behind_the_end_nothing_counts",
      {Array({2, 2, 1}, {1, kNan, kInf, kNan}), unit.weights_ih(), unit.weights_hh(), Array({1, 2, 1}, {0, 0.25})},
      {Array({2, 2, 1}, {first, 0, 0, 0}), Array({1, 2, 1}, {first, 0.25})}};
  if (lstm) {
    edge.inputs.push_back(Array({1, 2, 1}, {0, 0.75}));
    edge.want.push_back(Array({1, 2, 1}, {std::tanh(1.0) / (1 + std::exp(-1.0)), 0.75}));
  }
  edge.call = [kind, n](std::span<const Tensor> in) {
    std::vector<Tensor> inputs(in.begin(), in.end());
    Tensor lengths = zeros_of({2}, i64);
    lengths.mutable_data<std::int64_t>()[0] = 1;
    inputs.push_back(lengths);
    return call(kind, n, inputs);
  };
  return edge;
}

std::vector<Bad> bad_of(CellKind kind, const std::string& op) {
  const std::int64_t g = gates_of(kind);
  const std::string rows = fmt::format("{}", 2 * g), h_h = g == 1 ? "[H, H]" : fmt::format("[{} H, H]", g);
  const auto weights = [g](std::int64_t inputs = 3) {
    return RecurrentWeights{zeros_of({2 * g, inputs}), zeros_of({2 * g, 2}), {}, {}};
  };
  const auto run = [kind](const Tensor& x, const std::vector<RecurrentWeights>& w, const RecurrentOptions& options = {},
                          const Tensor& h_0 = {}) {
    if (kind == CellKind::lstm)
      lstm(x, w, {h_0, {}}, options);
    else if (kind == CellKind::gru)
      gru(x, w, h_0, options);
    else
      rnn(x, w, h_0, kind == CellKind::rnn_relu ? RnnNonlinearity::relu : RnnNonlinearity::tanh, options);
  };
  const auto x = [] { return zeros_of({5, 4, 3}); };
  return {
      bad<ShapeError>(
          "x", [=] { run(zeros_of({3}), {weights()}); }, op + ": x is [3] (want [T, N, I], or [T, I] without a batch)"),
      bad<ShapeError>(
          "no_steps",
          [=] {
            run(zeros_of({0, 4, 3}), {weights()});
          },
          op + ": x is [0, 4, 3] (want at least one step)"),
      bad<DTypeError>(
          "i64",
          [=] {
            run(zeros_of({5, 4, 3}, i64), {weights()});
          },
          op + ": x is i64 (want f32, bf16 or f64)"),
      bad<DTypeError>(
          "types",
          [=] {
            run(zeros_of({5, 4, 3}, f64), {weights()});
          },
          op + ": element types differ: x is f64, weight_ih_l0 is f32 (want one type; cast with to())"),
      bad<UsageError>(
          "no_weights", [=] { run(x(), {}); }, op + ": 0 sets of weights (want one for each layer)"),
      bad<UsageError>(
          "one_direction", [=] { run(x(), {weights()}, {.bidirectional = true}); },
          op + ": 1 sets of weights (want two for each layer: forward, reverse)"),
      bad<UsageError>(
          "undefined",
          [=] {
            run(x(), {{zeros_of({2 * g, 3}), {}, {}, {}}});
          },
          op + ": weight_hh_l0 is undefined (want " + h_h + ")"),
      bad<ShapeError>(
          "weight_hh",
          [=] {
            run(x(), {{zeros_of({2 * g, 3}), zeros_of({2 * g, 7}), {}, {}}});
          },
          op + ": weight_hh_l0 is [" + rows + ", 7] (want " + h_h + " with H at least 1)"),
      bad<ShapeError>(
          "weight_ih", [=] { run(x(), {weights(4)}); },
          op + ": x has 3 features, the layer wants 4: x is [5, 4, 3], weight_ih_l0 is [" + rows +
              ", 4] (want x.size(-1) == 4)"),
      bad<ShapeError>(
          "weight_ih_rows",
          [=] {
            RecurrentWeights w = weights();
            w.weight_ih = zeros_of({2 * g + 1, 3});
            run(x(), {w});
          },
          op + ": weight_ih_l0 is [" + std::to_string(2 * g + 1) + ", 3] (want [" + rows + ", 3])"),
      bad<ShapeError>(
          "second_layer",
          [=] {
            run(x(), {weights(), weights(), weights(), weights(4)}, {.bidirectional = true});
          },
          op + ": weight_ih_l1 is [" + rows + ", 3] (want [" + rows + ", 4])"),
      bad<ShapeError>(
          "bias",
          [=] {
            RecurrentWeights reverse = weights();
            reverse.bias_hh = zeros_of({7});
            run(x(), {weights(), reverse}, {.bidirectional = true});
          },
          op + ": bias_hh_l0_reverse is [7] (want [" + rows + "])"),
      bad<ShapeError>(
          "h_0",
          [=] {
            run(x(), {weights()}, {}, zeros_of({1, 2, 4}));
          },
          op + ": h_0 is [1, 2, 4] (want [1, 4, 2])"),
      bad<UsageError>(
          "dropout", [=] { run(x(), {weights()}, {.dropout = 1.5}); },
          op + ": dropout is 1.5 (want 0 <= dropout <= 1)"),
      bad<UsageError>(
          "lengths_and_mask",
          [=] {
            run(x(), {weights()}, {.lengths = zeros_of({4}, i64), .mask = zeros_of({5, 4}, boolean)});
          },
          op + ": lengths and mask (want one of them)"),
      bad<DTypeError>(
          "lengths_type", [=] { run(x(), {weights()}, {.lengths = zeros_of({4})}); },
          op + ": lengths are f32 (want i64)"),
      bad<ShapeError>(
          "lengths_shape", [=] { run(x(), {weights()}, {.lengths = zeros_of({5}, i64)}); },
          op + ": lengths is [5] (want [4])"),
      bad<UsageError>(
          "lengths_range",
          [=] {
            Tensor lengths = zeros_of({4}, i64);
            lengths.mutable_data<std::int64_t>()[2] = 6;
            run(x(), {weights()}, {.lengths = lengths});
          },
          op + ": lengths[2] is 6 (want 0 to 5)"),
      bad<DTypeError>(
          "mask_type",
          [=] {
            run(x(), {weights()}, {.mask = zeros_of({5, 4})});
          },
          op + ": mask is f32 (want bool)"),
      bad<ShapeError>(
          "mask_shape",
          [=] {
            run(x(), {weights()}, {.mask = zeros_of({4, 5}, boolean)});
          },
          op + ": mask is [4, 5] (want [5, 4])")};
}

Row row_of(CellKind kind, const char* name, const std::string& op, const char* formula,
           std::vector<std::string> covers) {
  Row row{.name = name,
          .formula = formula,
          .gradient = "backpropagation through time",
          .primitive = "matmul",
          .covers = std::move(covers)};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  for (const Network& n : networks()) row.samples.push_back(sample_of(kind, n));
  row.bad = bad_of(kind, op);
  const auto benchmark = [&](const Network& n) {
    const std::int64_t products = 2 * n.steps * n.batch * gates_of(kind) * n.hidden * (n.inputs + n.hidden);
    return Benchmark{sample_of(kind, n), static_cast<double>(products)};
  };
  row.benchmarks = {benchmark({"small", 5, 2, 8, 8, true}), benchmark({"medium", 50, 32, 64, 128, true}),
                    benchmark({"large", 20, 64, 512, 512, true})};
  return row;
}

Row rnn_row() {
  Row row = row_of(CellKind::rnn_tanh, "rnn", "rnn", "h = tanh(W x + b + U h + c), step by step",
                   {"rnn_layer", "rnn_layer_backward", "composed_gradient"});
  row.edges = {ended(CellKind::rnn_tanh, std::tanh(1.0))};
  return row;
}

Row rnn_relu_row() {
  Row row = row_of(CellKind::rnn_relu, "rnn_relu", "rnn", "h = max(W x + b + U h + c, 0), step by step", {"rnn_layer"});
  row.bf16_gradient_roundings = 40;  // by one a sum may fall on the other side of 0, where nothing flows
  // All states are 0 where the sum is 0, and so is the gradient there.
  row.edges = {ended(CellKind::rnn_relu, 1),
               {"gradient_at_0",
                {Array({2, 1, 1}, 0), Array({1, 1}, 1), Array({1, 1}, 0.5)},
                {Array({2, 1, 1}, 0), Array({1, 1, 1}, 0)},
                {Array({2, 1, 1}, 0), Array({1, 1}, 0), Array({1, 1}, 0)},
                [](std::span<const Tensor> in) {
                  return call(CellKind::rnn_relu, {"", 2, 1, 1, 1}, in);
                }}};
  return row;
}

Row lstm_row() {
  Row row =
      row_of(CellKind::lstm, "lstm", "lstm",
             "c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c), where i, f, g, o are W x + b + U h + d",
             {"lstm_layer", "lstm_layer_backward"});
  const double gate = 1 / (1 + std::exp(-1.0));
  row.edges = {ended(CellKind::lstm, gate * std::tanh(gate * std::tanh(1.0)))};
  return row;
}

Row gru_row() {
  Row row = row_of(CellKind::gru, "gru", "gru",
                   "h = (1 - z) tanh(a_n + r b_n) + z h, where a = W x + b, b = U h + c, r and z are sigmoids of a + b",
                   {"gru_layer", "gru_layer_backward"});
  row.edges = {ended(CellKind::gru, (1 - 1 / (1 + std::exp(-1.0))) * std::tanh(1.0))};
  return row;
}

}  // namespace

std::vector<Row> recurrent_rows() { return {rnn_row(), rnn_relu_row(), lstm_row(), gru_row()}; }

}  // namespace dagrad::op_table
