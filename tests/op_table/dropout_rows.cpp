#include <cmath>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/dropout.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

constexpr std::uint64_t kSeed = 11;

/// Whether decision `i` of the stream, which word i of it makes (there are four to a block), is to keep.
bool is_kept(std::int64_t i, double p) {
  const std::uint32_t word =
      Generator::block(kSeed, static_cast<std::uint64_t>(i / 4))[static_cast<std::size_t>(i % 4)];
  return static_cast<double>(word) / 4294967296.0 < 1 - p;
}

using Function = Tensor (*)(const Tensor&, double, Generator&, Location);

/// Every call draws from the start of the same stream, or finite differences would compare different masks.
Call call_of(Function f, double p) {
  return [f, p](std::span<const Tensor> in) {
    Generator generator(kSeed);
    return std::vector{f(in[0], p, generator, Location::current())};
  };
}

/// kept(x) or dropped() of each element; `per_decision` elements share a decision.
template <class Kept>
Reference reference_of(double p, const Kept& kept, double dropped, bool channels = false) {
  return [=](std::span<const Array> in) {
    Array dst(in[0].shape, dropped);
    std::int64_t share = 1;
    for (int axis = 2; channels && axis < dst.shape.rank(); ++axis) share *= dst.shape[axis];
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(dst.size()); ++i) {
      if (is_kept(i / share, p)) dst[i] = kept(in[0][i]);
    }
    return Arrays{dst};
  };
}

Sample sample(const char* name, const Shape& shape, double p) {
  return {name,
          {{shape}},
          call_of(dropout, p),
          reference_of(
              p, [p](double x) { return x / (1 - p); }, 0)};
}

std::vector<Bad> bad_probabilities(const char* name, Function f, const Shape& shape) {
  const auto of = [f, shape](double p) {
    return [f, shape, p] { f(zeros_of(shape), p, default_generator(), Location::current()); };
  };
  const std::string op = name;
  return {bad<UsageError>("p_above_1", of(1.5), op + ": p is 1.5 (want 0 <= p <= 1)"),
          bad<UsageError>("p_below_0", of(-0.1), op + ": p is -0.1 (want 0 <= p <= 1)"),
          bad<UsageError>("p_nan", of(std::nan("")), op + ": p is nan (want 0 <= p <= 1)"),
          bad<DTypeError>(
              "i64", [f, shape] { f(zeros_of(shape, i64), 0.5, default_generator(), Location::current()); },
              op + ": i64 (want f32, bf16 or f64)")};
}

Row dropout_row() {
  Row row{.name = "dropout", .formula = "0 with probability p, else x / (1 - p)"};
  row.roundings = row.gradient_roundings = 2;  // 1 / (1 - p), and a product
  row.samples = {sample("scalar", {}, 0.4),
                 sample("one", {1}, 0.4),
                 sample("empty", {0}, 0.4),
                 sample("tail_67", {67}, 0.4),
                 sample("3x33", {3, 33}, 0.25),
                 sample("nothing_dropped_17", {17}, 0),
                 sample("threads_64x1031", {64, 1031}, 0.4)};
  row.bad = bad_probabilities("dropout", dropout, {2});
  row.edges = {{"everything_dropped", {Array({3}, {1.0, kInf, kNan})}, {Array({3})}, {Array({3})}, call_of(dropout, 1)},
               // Of the first four words of the stream, the last two keep.
               {"dropped_infinities_are_0",
                {Array({4}, {kInf, kNan, 1, kNan})},
                {Array({4}, {0, 0, 2, kNan})},
                {Array({4}, {0, 0, 2, 2})},
                call_of(dropout, 0.5)}};
  row.benchmarks = {
      {sample("small", {64}, 0.5)}, {sample("medium", {16 << 10}, 0.5)}, {sample("large", {4 << 20}, 0.5)}};
  return row;
}

Row backward_row() {
  Row row{.name = "dropout_backward", .formula = "0 where the forward dropped, else diff_dst / (1 - p)"};
  row.roundings = row.gradient_roundings = 2;
  const auto of = [](const char* name, const Shape& shape, double p) {
    Sample result = sample(name, shape, p);
    result.call = [forward = result.call](std::span<const Tensor> in) {
      const GradMode recording(true);
      const std::vector<Tensor> x{zeros_like(in[0]).requires_grad_()};
      return grad(forward(x), x, std::vector{in[0]}, {.create_graph = true});
    };
    return result;
  };
  row.samples = {of("scalar", {}, 0.4), of("empty", {0}, 0.4), of("tail_67", {67}, 0.4),
                 of("threads_64x1031", {64, 1031}, 0.4)};
  row.edges = {{"infinite_and_nan",
                {Array({4}, {kInf, kNan, 1, kNan})},
                {Array({4}, {0, 0, 2, kNan})},
                {Array({4}, {0, 0, 2, 2})},
                of("", {4}, 0.5).call}};
  row.benchmarks = {{of("medium", {16 << 10}, 0.5)}, {of("large", {4 << 20}, 0.5)}};
  return row;
}

Row alpha_dropout_row() {
  Row row{.name = "alpha_dropout",
          .formula =
              "-a c (1 - p) with probability p, else a x + a c p, with c = 1.7581 and a = ((1 - p) (1 + p c^2))^-1/2"};
  row.roundings = 3;  // two constants of which one is multiplied, and a sum
  row.gradient_roundings = 2;
  constexpr double c = 1.7580993408473768599;
  row.terms = [](const Sample& s, std::span<const Array> in) {
    Array terms = s.reference(in)[0];
    for (std::size_t i = 0; i < terms.size(); ++i)
      terms.values[i] = std::fabs(terms.values[i]) + std::fabs(in[0].values[i]) + 2 * c;
    return Arrays{terms};
  };
  const auto of = [](const char* name, const Shape& shape, double p) {
    const double a = 1 / std::sqrt((1 - p) * (1 + p * c * c));
    return Sample{name,
                  {{shape}},
                  call_of(alpha_dropout, p),
                  reference_of(
                      p, [a, p](double x) { return a * x + a * c * p; }, -a * c * (1 - p))};
  };
  row.samples = {of("scalar", {}, 0.4),
                 of("one", {1}, 0.4),
                 of("empty", {0}, 0.4),
                 of("tail_67", {67}, 0.4),
                 of("nothing_dropped_17", {17}, 0),
                 of("threads_64x1031", {64, 1031}, 0.25)};
  row.bad = bad_probabilities("alpha_dropout", alpha_dropout, {2});
  row.edges = {
      {"everything_dropped", {Array({3}, {1.0, kInf, kNan})}, {Array({3})}, {Array({3})}, call_of(alpha_dropout, 1)}};
  row.benchmarks = {{of("medium", {16 << 10}, 0.5)}, {of("large", {4 << 20}, 0.5)}};
  return row;
}

Row feature_dropout_row() {
  Row row{.name = "feature_dropout", .formula = "0 for a whole channel with probability p, else x / (1 - p)"};
  row.roundings = row.gradient_roundings = 2;  // 1 / (1 - p), and a product
  row.bf16_roundings = 1;                      // of 1 / (1 - p)
  const auto of = [](const char* name, const Shape& shape, double p) {
    return Sample{name,
                  {{shape}},
                  call_of(feature_dropout, p),
                  reference_of(
                      p, [p](double x) { return x / (1 - p); }, 0, true)};
  };
  row.samples = {of("matrix_3x17", {3, 17}, 0.4),
                 of("lines_2x5x7", {2, 5, 7}, 0.4),
                 of("images_2x4x3x4", {2, 4, 3, 4}, 0.4),
                 of("volumes_2x3x2x3x2", {2, 3, 2, 3, 2}, 0.4),
                 of("empty_2x0x3", {2, 0, 3}, 0.4),
                 of("nothing_dropped_2x3x4", {2, 3, 4}, 0),
                 of("threads_8x32x16x17", {8, 32, 16, 17}, 0.25)};
  row.bad = bad_probabilities("feature_dropout", feature_dropout, {2, 2});
  row.bad.push_back(bad<ShapeError>(
      "vector", [] { feature_dropout(zeros_of({2}), 0.5); },
      "feature_dropout: [2] (want 2 or more dimensions: [N, C, ...])"));
  row.edges = {{"everything_dropped",
                {Array({1, 1, 3}, {1.0, kInf, kNan})},
                {Array({1, 1, 3})},
                {Array({1, 1, 3})},
                call_of(feature_dropout, 1)},
               // Of the first four words of the stream, the last two keep.
               {"dropped_infinities_are_0",
                {Array({1, 4, 1}, {kInf, kNan, 1, kNan})},
                {Array({1, 4, 1}, {0, 0, 2, kNan})},
                {Array({1, 4, 1}, {0, 0, 2, 2})},
                call_of(feature_dropout, 0.5)}};
  row.benchmarks = {{of("images_64x64x32x32", {64, 64, 32, 32}, 0.5)}};
  return row;
}

/// dropout1d, dropout2d or dropout3d, which differ in the dimensions that they take.
Row channels_row(const char* name, Function f, const Shape& batch, const std::string& want) {
  Row row{.name = name,
          .formula = "0 for a whole channel with probability p, else x / (1 - p)",
          .covers = {"feature_dropout"}};
  row.roundings = row.gradient_roundings = 2;
  row.bf16_roundings = 1;
  Shape one = batch;
  one.erase(0);
  Sample of_batch{"batch", {{batch}}, call_of(f, 0.4), {}};
  of_batch.reference = reference_of(
      0.4, [](double x) { return x / 0.6; }, 0, true);
  Sample of_one{"one", {{one}}, call_of(f, 0.4), {}};
  of_one.reference = [of = of_batch.reference](std::span<const Array> in) {
    Shape shape = in[0].shape;
    shape.insert(0, 1);
    Array dst = of(std::vector{Array(shape, in[0].values)})[0];
    return Arrays{Array(in[0].shape, dst.values)};
  };
  Sample of_nothing = of_batch;
  of_nothing.name = "empty_batch";
  of_nothing.inputs[0].shape[0] = 0;
  row.samples = {of_batch, of_one, of_nothing};
  row.bad = {bad<ShapeError>(
      "vector", [f] { f(zeros_of({2}), 0.5, default_generator(), Location::current()); },
      std::string(name) + ": [2] (want " + want + " dimensions: [N, C, ...] or [C, ...])")};
  row.benchmarks = {{of_batch}};
  return row;
}

}  // namespace

std::vector<Row> dropout_rows() {
  return {dropout_row(),
          backward_row(),
          alpha_dropout_row(),
          feature_dropout_row(),
          channels_row("dropout1d", dropout1d, {2, 4, 5}, "3 or 2"),
          channels_row("dropout2d", dropout2d, {2, 4, 3, 2}, "4 or 3"),
          channels_row("dropout3d", dropout3d, {2, 4, 2, 3, 2}, "5 or 4")};
}

}  // namespace dagrad::op_table
