#include "dagrad/ops/dropout.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

constexpr std::uint64_t kSeed = 11;

/// Every call draws from the start of the same stream, or finite differences would compare different masks.
Sample sample(const char* name, const Shape& shape, double p) {
  Sample result{name, {{shape}}};
  result.call = [p](std::span<const Tensor> in) {
    Generator generator(kSeed);
    return std::vector{dropout(in[0], p, generator)};
  };
  // Word i of the stream, of four to a block, decides about element i.
  result.reference = [p](std::span<const Array> in) {
    Array dst(in[0].shape);
    for (std::size_t i = 0; i < dst.size(); ++i) {
      const double u = static_cast<double>(Generator::block(kSeed, i / 4)[i % 4]) / 4294967296.0;
      if (u < 1 - p) dst.values[i] = in[0].values[i] / (1 - p);
    }
    return Arrays{dst};
  };
  return result;
}

}  // namespace

std::vector<Row> dropout_rows() {
  Row row{.name = "dropout", .formula = "0 with probability p, else x / (1 - p)"};
  row.roundings = row.gradient_roundings = 2;  // 1 / (1 - p), and a product
  row.samples = {sample("scalar", {}, 0.4),
                 sample("one", {1}, 0.4),
                 sample("empty", {0}, 0.4),
                 sample("tail_67", {67}, 0.4),
                 sample("3x33", {3, 33}, 0.25),
                 sample("nothing_dropped_17", {17}, 0),
                 sample("threads_64x1031", {64, 1031}, 0.4)};
  row.bad = {bad<UsageError>(
                 "p_above_1", [] { dropout(zeros_of({2}), 1.5); }, "dropout: p is 1.5 (want 0 <= p <= 1)"),
             bad<UsageError>(
                 "p_below_0", [] { dropout(zeros_of({2}), -0.1); }, "dropout: p is -0.1 (want 0 <= p <= 1)"),
             bad<UsageError>(
                 "p_nan", [] { dropout(zeros_of({2}), std::nan("")); }, "dropout: p is nan (want 0 <= p <= 1)"),
             bad<DTypeError>(
                 "i64", [] { dropout(zeros_of({2}, i64)); }, "dropout: i64 (want f32, bf16 or f64)")};
  row.edges = {{"everything_dropped",
                {Array({3}, {1.0, kInf, std::nan("")})},
                {Array({3})},
                {Array({3})},
                [](std::span<const Tensor> in) { return std::vector{dropout(in[0], 1)}; }}};
  row.benchmarks = {
      {sample("small", {64}, 0.5)}, {sample("medium", {16 << 10}, 0.5)}, {sample("large", {4 << 20}, 0.5)}};
  return {row};
}

}  // namespace dagrad::op_table
