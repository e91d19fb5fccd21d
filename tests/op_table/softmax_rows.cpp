#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "dagrad/ops/softmax.h"
#include "op_table/op_table.h"

// Note [Roundings of softmax]. For a line of n elements with maximum m and S = sum of e^(x - m), and elements within 4
// of each other: each x - m is rounded (up to 4 u after exp), exp has 1 unit, the sum n - 1 roundings, so that S is off
// by at most n + 5 roundings, ln S by as many units of 1 and its own rounding, and x - m and (x - m) - ln S are rounded
// once each. An element of the result is so within n + 5 roundings of T = 1 + |ln S| + |x - m| + |x - m - ln S|, and
// its exponential p within n + 7 roundings of p T. (ln takes 4 units in oneDNN's primitive: within n + 5 for the lines
// of 4 elements and more that reach it.)

namespace dagrad::op_table {
namespace {

/// Calls f with the positions of each line along `axis`.
void for_lines(const Shape& shape, int axis, const std::function<void(const std::vector<std::int64_t>&)>& f) {
  Shape rest = shape;
  if (shape.rank() > 0) rest[axis] = 1;
  for (const Index& start : indices(rest)) {
    std::vector<std::int64_t> line;
    Index index = start;
    const std::int64_t length = shape.rank() > 0 ? shape[axis] : 1;
    for (std::int64_t i = 0; i < length; ++i) {
      if (shape.rank() > 0) index[static_cast<std::size_t>(axis)] = i;
      line.push_back(flat(shape, index));
    }
    f(line);
  }
}

/// What the bounds of one line are made of.
struct Line {
  double top = 0, log_s = 0;
  double log_softmax(double x) const { return x - top - log_s; }
};

Line measure(const Array& src, const std::vector<std::int64_t>& line) {
  double top = -kInf, s = 0;
  for (const std::int64_t at : line) top = std::max(top, src[at]);
  for (const std::int64_t at : line) s += std::exp(src[at] - top);
  return {top, std::log(s)};
}
double terms_of(const Line& line, double x) {
  return 1 + std::fabs(line.log_s) + std::fabs(x - line.top) + std::fabs(line.log_softmax(x));
}

/// For each element, f(src, position, line's measures) -> value.
template <class F>
Array by_lines(const Array& src, int axis, const F& f) {
  Array result(src.shape);
  for_lines(src.shape, axis, [&](const std::vector<std::int64_t>& line) {
    const Line measured = measure(src, line);
    for (const std::int64_t at : line) result[at] = f(at, measured);
  });
  return result;
}

Array log_softmax_of(const Array& src, int axis) {
  return by_lines(src, axis, [&](std::int64_t at, const Line& line) { return line.log_softmax(src[at]); });
}
Array log_softmax_terms(const Array& src, int axis) {
  return by_lines(src, axis, [&](std::int64_t at, const Line& line) { return terms_of(line, src[at]); });
}

/// sum of x along the axis, at every element of the line.
Array line_sums(const Array& x, int axis) {
  Array result(x.shape);
  for_lines(x.shape, axis, [&](const std::vector<std::int64_t>& line) {
    double total = 0;
    for (const std::int64_t at : line) total += x[at];
    for (const std::int64_t at : line) result[at] = total;
  });
  return result;
}

Array times(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x * y; });
}
Array plus(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x + y; });
}
Array minus(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x - y; });
}
Array softmax_of(const Array& src, int axis) {
  return map(log_softmax_of(src, axis), [](double y) { return std::exp(y); });
}

int axis_of(const Shape& shape, std::int64_t axis) {
  return static_cast<int>(axis < 0 && shape.rank() > 0 ? axis + shape.rank() : std::max<std::int64_t>(axis, 0));
}

/// |diff| + p T sum |diff|: the terms of diff_dst - p sum(diff_dst).
Array log_softmax_backward_terms(const Array& src, const Array& diff, int axis) {
  const Array p = times(softmax_of(src, axis), log_softmax_terms(src, axis));
  return plus(absolute(diff), times(p, line_sums(absolute(diff), axis)));
}

struct Shaped {
  const char* name;
  Shape shape;
  std::int64_t axis;
};

const std::vector<Shaped>& shapes() {
  static const std::vector<Shaped> list{{"one", {1}, 0},
                                        {"vector_17", {17}, -1},
                                        {"last_3x33", {3, 33}, 1},
                                        {"first_7x5", {7, 5}, 0},
                                        {"middle_2x5x3", {2, 5, 3}, 1},
                                        {"size_1_axis_5x1", {5, 1}, 1},
                                        {"empty_0x3", {0, 3}, 1},
                                        {"empty_axis_3x0", {3, 0}, 1},
                                        {"primitive_16x1033", {16, 1033}, -1},
                                        {"threads_700x67", {700, 67}, 1},
                                        {"threads_first_67x700", {67, 700}, 0}};
  return list;
}

double length_of(const Shaped& s) {
  return s.shape.rank() == 0 ? 1 : static_cast<double>(s.shape[axis_of(s.shape, s.axis)]);
}

Sample log_softmax_sample(const Shaped& s) {
  Sample sample{s.name, {{s.shape}}};
  const int axis = axis_of(s.shape, s.axis);
  sample.call = [axis = s.axis](std::span<const Tensor> in) { return std::vector{log_softmax(in[0], axis)}; };
  sample.reference = [axis](std::span<const Array> in) { return Arrays{log_softmax_of(in[0], axis)}; };
  sample.roundings = length_of(s) + 5;
  sample.gradient_roundings = 2 * length_of(s) + 10;  // p: n + 7; the sum: n - 1; a product and a difference
  return sample;
}

/// The axis in which a sample works: the one that its reference was made with.
int axis_named(const std::string& name) {
  for (const Shaped& s : shapes()) {
    if (name == s.name) return axis_of(s.shape, s.axis);
  }
  return 0;
}

std::vector<Benchmark> benchmarks(const std::function<Sample(const Shaped&)>& sample) {
  return {
      {sample({"small", {8, 10}, -1})}, {sample({"medium", {128, 128}, -1})}, {sample({"large", {4096, 1000}, -1})}};
}

Row log_softmax_row() {
  Row row{.name = "log_softmax", .formula = "x - ln(sum over axis of e^x)", .primitive = "logsoftmax"};
  row.bf16_roundings = 1;  // the primitive keeps x - m in its result between two passes
  for (const Shaped& s : shapes()) row.samples.push_back(log_softmax_sample(s));
  row.samples.push_back(log_softmax_sample({"scalar", {}, 0}));
  row.terms = [](const Sample& sample, std::span<const Array> in) {
    return Arrays{log_softmax_terms(in[0], axis_named(sample.name))};
  };
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    return Arrays{log_softmax_backward_terms(in[0], diff[0], axis_named(sample.name))};
  };
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   log_softmax(zeros_of({2, 3}), 2);
                 },
                 "log_softmax: axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<DTypeError>(
                 "i64", [] { log_softmax(zeros_of({2}, i64)); }, "log_softmax: i64 (want f32, bf16 or f64)")};
  const auto along_last = [](std::span<const Tensor> in) { return std::vector{log_softmax(in[0])}; };
  row.edges = {
      {"huge_elements_do_not_overflow",
       {Array({2, 2}, {1e30, 1e30, -1e30, 1e30})},
       {Array({2, 2}, {-std::log(2.0), -std::log(2.0), -2e30, 0})},
       {},
       along_last},
      {"minus_infinity_has_no_share", {Array({3}, {-kInf, 0, -kInf})}, {Array({3}, {-kInf, 0, -kInf})}, {}, along_last},
      {"nan_spreads_over_its_line",
       {Array({2, 2}, {kNan, 0, 0, -kInf})},
       {Array({2, 2}, {kNan, kNan, 0, -kInf})},
       {},
       along_last}};
  row.benchmarks = benchmarks(log_softmax_sample);
  return row;
}

Sample log_softmax_backward_sample(const Shaped& s) {
  const Sample forward = log_softmax_sample(s);
  Sample sample{s.name, {{s.shape}, {s.shape}}};
  sample.call = gradient_of(forward.call, 0);
  const int axis = axis_of(s.shape, s.axis);
  sample.reference = [axis](std::span<const Array> in) {
    return Arrays{minus(in[0], times(softmax_of(in[1], axis), line_sums(in[0], axis)))};
  };
  sample.roundings = forward.gradient_roundings;
  // Twice the way through p, T and a sum.
  sample.gradient_roundings = 4 * length_of(s) + 20;
  return sample;
}

Row log_softmax_backward_row() {
  Row row{.name = "log_softmax_backward",
          .formula = "diff_dst - e^dst sum(diff_dst), with dst = log_softmax(x)",
          .primitive = "logsoftmax"};
  row.bf16_roundings = 1;  // dst
  for (const Shaped& s : shapes()) row.samples.push_back(log_softmax_backward_sample(s));
  row.samples.push_back(log_softmax_backward_sample({"scalar", {}, 0}));
  row.terms = [](const Sample& sample, std::span<const Array> in) {
    return Arrays{log_softmax_backward_terms(in[1], in[0], axis_named(sample.name))};
  };
  // With cotangent h and p: |h| + p T sum |h| for diff_dst; for x, v = h p sum(diff_dst) goes back through log_softmax.
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    const int axis = axis_named(sample.name);
    const Array t = log_softmax_terms(in[1], axis), p = times(softmax_of(in[1], axis), t);
    // Not sum(h p): h times its own terms, whose sum the backward takes.
    const Array of_g = plus(absolute(diff[0]), line_sums(times(absolute(diff[0]), p), axis));
    const Array v = times(times(absolute(diff[0]), p), line_sums(absolute(in[0]), axis));
    return Arrays{of_g, plus(v, times(p, line_sums(v, axis)))};
  };
  row.benchmarks = benchmarks(log_softmax_backward_sample);
  return row;
}

// --- softmax ---

/// p T.
Array softmax_terms(const Array& src, int axis) { return times(softmax_of(src, axis), log_softmax_terms(src, axis)); }

/// p T (|diff| + sum of |diff| p T): the terms of p (diff - sum(diff p)).
Array softmax_backward_terms(const Array& src, const Array& diff, int axis) {
  const Array p = softmax_terms(src, axis);
  return times(p, plus(absolute(diff), line_sums(times(absolute(diff), p), axis)));
}

Sample softmax_sample(const Shaped& s) {
  Sample sample{s.name, {{s.shape}}};
  const int axis = axis_of(s.shape, s.axis);
  sample.call = [axis = s.axis](std::span<const Tensor> in) { return std::vector{softmax(in[0], axis)}; };
  sample.reference = [axis](std::span<const Array> in) { return Arrays{softmax_of(in[0], axis)}; };
  sample.roundings = length_of(s) + 7;
  sample.gradient_roundings = 3 * length_of(s) + 20;  // p twice: n + 7 each; the sum: n; two products, a difference
  return sample;
}

Row softmax_row() {
  Row row{.name = "softmax", .formula = "e^x / sum over axis of e^x"};
  for (const Shaped& s : shapes()) row.samples.push_back(softmax_sample(s));
  row.samples.push_back(softmax_sample({"scalar", {}, 0}));
  row.terms = [](const Sample& sample, std::span<const Array> in) {
    return Arrays{softmax_terms(in[0], axis_named(sample.name))};
  };
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    return Arrays{softmax_backward_terms(in[0], diff[0], axis_named(sample.name))};
  };
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   softmax(zeros_of({2, 3}), 2);
                 },
                 "softmax: axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<DTypeError>(
                 "i64", [] { softmax(zeros_of({2}, i64)); }, "softmax: i64 (want f32, bf16 or f64)")};
  row.roundings = 8;  // of the edges
  const auto along_last = [](std::span<const Tensor> in) { return std::vector{softmax(in[0])}; };
  row.edges = {
      {"huge_elements_do_not_overflow",
       {Array({2, 2}, {1e30, 1e30, -1e30, 1e30})},
       {Array({2, 2}, {0.5, 0.5, 0, 1})},
       {},
       along_last},
      {"minus_infinity_has_no_share",
       {Array({3}, {-kInf, 0, -kInf})},
       {Array({3}, {0.0, 1, 0})},
       {Array({3}, 0)},
       along_last},
      {"of_nothing_but_minus_infinity_nan", {Array({2}, {-kInf, -kInf})}, {Array({2}, {kNan, kNan})}, {}, along_last},
      {"nan_spreads_over_its_line",
       {Array({2, 2}, {kNan, 0, 0, -kInf})},
       {Array({2, 2}, {kNan, kNan, 1, 0})},
       {},
       along_last}};
  row.benchmarks = benchmarks(softmax_sample);
  return row;
}

Sample softmax_backward_sample(const Shaped& s) {
  const Sample forward = softmax_sample(s);
  Sample sample{s.name, {{s.shape}, {s.shape}}};
  sample.call = gradient_of(forward.call, 0);
  const int axis = axis_of(s.shape, s.axis);
  sample.reference = [axis](std::span<const Array> in) {
    const Array p = softmax_of(in[1], axis);
    return Arrays{times(p, minus(in[0], line_sums(times(in[0], p), axis)))};
  };
  sample.roundings = forward.gradient_roundings;
  sample.gradient_roundings = 2 * forward.gradient_roundings + 10;  // twice that way
  return sample;
}

Row softmax_backward_row() {
  Row row{.name = "softmax_backward", .formula = "dst (diff_dst - sum(diff_dst dst)), with dst = softmax(x)"};
  row.bf16_roundings = 2;  // dst, as two factors
  for (const Shaped& s : shapes()) row.samples.push_back(softmax_backward_sample(s));
  row.samples.push_back(softmax_backward_sample({"scalar", {}, 0}));
  row.terms = [](const Sample& sample, std::span<const Array> in) {
    return Arrays{softmax_backward_terms(in[1], in[0], axis_named(sample.name))};
  };
  // With cotangent h: for diff_dst = g as above; for x, |h| (|g| + sum |g| p) + |g| sum |h| p goes back through
  // softmax.
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    const int axis = axis_named(sample.name);
    const Array g = absolute(in[0]), h = absolute(diff[0]), p = softmax_terms(in[1], axis);
    const Array v = plus(times(h, plus(g, line_sums(times(g, p), axis))), times(g, line_sums(times(h, p), axis)));
    return Arrays{softmax_backward_terms(in[1], h, axis), softmax_backward_terms(in[1], v, axis)};
  };
  row.benchmarks = benchmarks(softmax_backward_sample);
  return row;
}

}  // namespace

std::vector<Row> softmax_rows() {
  return {log_softmax_row(), log_softmax_backward_row(), softmax_row(), softmax_backward_row()};
}

}  // namespace dagrad::op_table
