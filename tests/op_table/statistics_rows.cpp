#include <algorithm>
#include <cmath>

#include "dagrad/ops/statistics.h"
#include "op_table/reductions.h"

namespace dagrad::op_table {
namespace {

double variance(const std::vector<double>& x, double correction) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, sum = 0;
  for (const double v : x) mean += v / n;
  for (const double v : x) sum += (v - mean) * (v - mean);
  return sum / std::fmax(0, n - correction);
}

ReduceOp spread_op(Tensor (*f)(const Tensor&, const Axes&, const VarOptions&, Location), double correction) {
  return [f, correction](const Tensor& x, const Axes& axes, bool keepdim) {
    return f(x, axes, {.correction = correction, .keepdim = keepdim}, Location::current());
  };
}

/// var, and std, which is its root.
Row spread_row(const std::string& name, const char* formula,
               Tensor (*f)(const Tensor&, const Axes&, const VarOptions&, Location), double (*root)(double)) {
  Row row{.name = name, .formula = formula, .covers = {name, "center"}};
  const auto with = [root](double correction) -> OfGroup {
    return [root, correction](const std::vector<double>& x) { return root(variance(x, correction)); };
  };
  // One element has no variance with correction 1.
  for (Sample& sample : reduction_samples(spread_op(f, 1), with(1), kAny, true)) {
    if (sample.roundings != 1) row.samples.push_back(sample);
  }
  for (Sample& sample : reduction_samples(spread_op(f, 0), with(0), kAny, false)) {
    if (!sample.small()) continue;
    sample.name += "_correction_0";
    row.samples.push_back(sample);
  }
  // Far from 0 in comparison with the spread: in one pass nothing would be left of it.
  row.samples.push_back(
      reduction_sample("far_from_0_11x17", {11, 17}, {{1}}, spread_op(f, 1), with(1), {.low = 10000, .high = 10001}));
  row.samples.push_back(
      reduction_sample("far_from_0_17x11", {17, 11}, {{0}}, spread_op(f, 1), with(1), {.low = 10000, .high = 10001}));
  // The distances are rounded once, and so are the result, their quotient, its scale and their product.
  for (Sample& sample : row.samples) {
    sample.roundings += 4;
    sample.gradient_roundings = 6;
  }
  row.bad = bad_axes(name, spread_op(f, 1));
  row.bad.push_back(integers_not_taken(name, spread_op(f, 1)));
  const Call over_last = [f](std::span<const Tensor> in) {
    return std::vector{f(in[0], {-1}, {}, Location::current())};
  };
  const Call of_batch = [f](std::span<const Tensor> in) {
    return std::vector{f(in[0], {-1}, {.correction = 0}, Location::current())};
  };
  row.edges = {{"of_one", {Array({1}, 3)}, {Array(Shape{}, kNan)}, {}, over_last},
               {"of_nothing", {Array({2, 0})}, {Array({2}, kNan)}, {}, over_last},
               {"of_one_without_correction", {Array({1}, 3)}, {Array(Shape{}, 0)}, {Array({1}, 0)}, of_batch},
               {"of_equals", {Array({4}, 7)}, {Array(Shape{}, 0)}, {Array({4}, 0)}, over_last},
               {"infinite_and_nan", {Array({2, 2}, {kInf, 1, kNan, 1})}, {Array({2}, kNan)}, {}, over_last},
               {"exact", {Array({3}, {254.0, 256, 258})}, {Array(Shape{}, root(4))}, {}, over_last}};
  row.benchmarks = reduction_benchmarks(spread_op(f, 1), with(1));
  return row;
}

ReduceOp norm_op(double p) {
  return [p](const Tensor& x, const Axes& axes, bool keepdim) { return norm(x, p, axes, keepdim); };
}

OfGroup norm_of(double p) {
  return [p](const std::vector<double>& x) {
    double sum = 0, largest = 0, smallest = x.empty() ? 0 : kInf, count = 0;
    for (const double v : x) {
      sum += std::pow(std::fabs(v), p);
      largest = std::max(largest, std::fabs(v));
      smallest = std::min(smallest, std::fabs(v));
      count += v != 0;
    }
    if (p == 0) return count;
    if (std::isinf(p)) return p > 0 ? largest : smallest;
    return std::pow(sum, 1 / p);
  };
}

Row norm_row() {
  Row row{.name = "norm", .formula = "sum(|x|^p)^(1/p) over axes"};
  // Never of one size twice, nor near to it.
  constexpr Domain apart{.low = 0.5, .high = 2.5, .distinct = true};
  for (const double p : {2.0, 1.0, kInf, -kInf, 0.0, 3.0, 1.5, 0.5, -1.0}) {
    for (Sample& sample :
         reduction_samples(norm_op(p), norm_of(p), std::isinf(p) ? apart : kAwayFromZero, p >= 0 && p < kInf)) {
      // All kinds of axes for p = 2, and a few for the others.
      if (p != 2 && (sample.name.starts_with("threads") != (sample.name == "threads_middle_40x50x67"))) continue;
      sample.name += p == -kInf  ? "_p_minus_inf"
                     : p == -1   ? "_p_minus_1"
                     : p == 0.5  ? "_p_half"
                     : p == 1.5  ? "_p_3_halves"
                     : p == kInf ? "_p_inf"
                                 : "_p_" + std::to_string(static_cast<int>(p));
      // The sum's, divided by p as the root is taken, and those of pow.
      sample.roundings = p == 0 || std::isinf(p) ? 0 : sample.roundings * std::fmax(1, 1 / std::fabs(p)) + 8;
      // A quotient of two rounded ones to the power p - 1, which pow does not round correctly, and two products.
      sample.gradient_roundings = 3 * (std::isinf(p) ? 0 : std::fabs(p - 1)) + 6;
      row.samples.push_back(sample);
    }
  }
  row.bad = bad_axes("norm", norm_op(2));
  row.bad.push_back(integers_not_taken("norm", norm_op(2)));
  row.bad.push_back(bad<ShapeError>(
      "empty_axis",
      [] {
        norm(zeros_of({2, 0}), kInf, {1});
      },
      "norm: [2, 0] over axes=[1] with p=inf (want at least one element along the axes)"));
  row.bad.push_back(bad<UsageError>(
      "p", [] { norm(zeros_of({2}), kNan); }, "norm: p is nan (want a number, inf or -inf)"));
  const auto of = [](double p) -> Call {
    return [p](std::span<const Tensor> in) { return std::vector{norm(in[0], p)}; };
  };
  const auto at_zero = [&](const std::string& name, double p) -> Edge {
    return {"gradient_at_0_p_" + name, {Array({2})}, {Array(Shape{}, 0)}, {Array({2})}, of(p)};
  };
  row.edges = {
      at_zero("0", 0),
      at_zero("1", 1),
      at_zero("2", 2),
      at_zero("3", 3),
      at_zero("half", 0.5),
      at_zero("inf", kInf),
      at_zero("minus_inf", -kInf),
      at_zero("minus_1", -1),
      {"zero_element", {Array({3}, {3.0, 0, -4})}, {Array(Shape{}, 5)}, {Array({3}, {0.6, 0, -0.8})}, of(2)},
      {"zero_element_p_half", {Array({2}, {4.0, 0})}, {Array(Shape{}, 4)}, {Array({2}, {1.0, 0})}, of(0.5)},
      {"does_not_overflow", {Array({2}, {0x1.8p100, 0x1p101})}, {Array(Shape{}, 0x1.4p101)}, {}, of(2)},
      {"does_not_underflow", {Array({2}, {0x1.8p-100, 0x1p-99})}, {Array(Shape{}, 0x1.4p-99)}, {}, of(2)},
      {"equal_largest_share", {Array({3}, {2.0, -2, 1})}, {Array(Shape{}, 2)}, {Array({3}, {0.5, -0.5, 0})}, of(kInf)},
      {"infinite", {Array({2}, {-kInf, 1})}, {Array(Shape{}, kInf)}, {}, of(2)},
      {"nan", {Array({2}, {kNan, kInf})}, {Array(Shape{}, kNan)}, {}, of(kInf)},
      {"of_nothing", {Array({0})}, {Array(Shape{}, 0)}, {Array({0})}, of(2)}};
  row.benchmarks = reduction_benchmarks(norm_op(2), norm_of(2));
  return row;
}

Row vector_norm_row() {
  const ReduceOp f = [](const Tensor& x, const Axes& axes, bool keepdim) { return vector_norm(x, 2, axes, keepdim); };
  Row row{.name = "vector_norm", .formula = "norm under the name in torch.linalg", .composite = true};
  row.samples = {reduction_sample("last_4x33", {4, 33}, {{-1}}, f, norm_of(2), kAny),
                 reduction_sample("scalar", {}, {}, f, norm_of(2), kAny),
                 reduction_sample("empty_rows_3x0", {3, 0}, {{1}}, f, norm_of(2), kAny)};
  row.roundings = 40;
  row.gradient_roundings = 8;
  row.bad = bad_axes("vector_norm", f);
  row.benchmarks = {{reduction_sample("large", {2048, 2048}, {{-1}}, f, norm_of(2), kAny)}};
  return row;
}

Row stddev_row() {
  const ReduceOp f = [](const Tensor& x, const Axes& axes, bool keepdim) {
    return stddev(x, axes, {.correction = 0, .keepdim = keepdim});
  };
  const OfGroup value = [](const std::vector<double>& x) {
    double mean = 0, squares = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) squares += (v - mean) * (v - mean) / static_cast<double>(x.size());
    return std::sqrt(squares);
  };
  Row row{.name = "stddev", .formula = "std under a name that is not also a namespace", .composite = true};
  row.samples = {reduction_sample("last_4x33", {4, 33}, {{-1}}, f, value, kAny),
                 reduction_sample("scalar", {}, {}, f, value, kAny),
                 reduction_sample("no_rows_0x3", {0, 3}, {{1}}, f, value, kAny)};
  row.roundings = 4;
  row.gradient_roundings = 6;
  row.bad = bad_axes("stddev", f);
  row.benchmarks = {{reduction_sample("large", {2048, 2048}, {{-1}}, f, value, kAny)}};
  return row;
}

double log_sum_exp(const std::vector<double>& x) {
  const double top = x.empty() ? 0 : *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

Row logsumexp_row() {
  const ReduceOp f = reducing(logsumexp);
  Row row{.name = "logsumexp", .formula = "log(sum(e^x)) over axes"};
  row.bf16_gradient_roundings = 16;  // e^(x - dst) takes dst from bf16, where it is up to 12
  row.samples = reduction_samples(f, log_sum_exp, kAny, true);
  for (Sample& sample : row.samples) {
    // An error of the sum is one of its logarithm without a factor: the terms are 1 and what is added to it.
    sample.roundings += 8;
    // e^(x - dst) takes over the error of its exponent, which is at most 4 + log(n); the same in the sum.
    sample.gradient_roundings = sample.roundings + 2 * (4 + std::log(sample.roundings)) + 8;
  }
  row.terms = [](const Sample& sample, std::span<const Array> in) {
    return Arrays{map(sample.reference(in)[0], [](double y) { return std::isinf(y) ? 1 : 3 + std::fabs(y); })};
  };
  row.bad = bad_axes("logsumexp", f);
  row.bad.push_back(integers_not_taken("logsumexp", f));
  const Call over_last = [](std::span<const Tensor> in) { return std::vector{logsumexp(in[0], {-1})}; };
  row.edges = {{"large",
                {Array({2, 2}, {10000.0, 10000, -10000, -20000})},
                {Array({2}, {10000 + std::log(2.0), -10000})},
                {Array({2, 2}, {0.5, 0.5, 1, 0})},
                over_last},
               {"minus_infinite",
                {Array({2, 2}, {-kInf, -kInf, -kInf, 1})},
                {Array({2}, {-kInf, 1})},
                {Array({2, 2}, {0.0, 0, 0, 1})},
                over_last},
               {"infinite",
                {Array({2, 3}, {kInf, 1, kInf, 0, 0, -kInf})},
                {Array({2}, {kInf, std::log(2.0)})},
                {Array({2, 3}, {0.5, 0, 0.5, 0.5, 0.5, 0})},
                over_last},
               {"nan", {Array({2}, {kNan, kInf})}, {Array(Shape{}, kNan)}, {}, over_last},
               {"of_nothing", {Array({2, 0})}, {Array({2}, -kInf)}, {Array({2, 0})}, over_last}};
  row.benchmarks = reduction_benchmarks(f, log_sum_exp);
  return row;
}

}  // namespace

std::vector<Row> statistics_rows() {
  return {spread_row("var", "sum((x - mean)^2) / max(0, n - correction) over axes", var, [](double x) { return x; }),
          spread_row("std", "sqrt(var)", dagrad::std, [](double x) { return std::sqrt(x); }),
          norm_row(),
          vector_norm_row(),
          stddev_row(),
          logsumexp_row()};
}

}  // namespace dagrad::op_table
