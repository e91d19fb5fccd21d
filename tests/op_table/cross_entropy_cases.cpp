#include "op_table/cross_entropy_cases.h"

#include <algorithm>
#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/cross_entropy.h"
#include "op_table/inputs.h"

namespace dagrad::op_table {
namespace {

double class_weight(const Setup& s, std::int64_t c) {
  return s.class_weights ? 0.5 + 0.25 * static_cast<double>(c % 4) : 1;
}

/// What a sample counts for in the mean.
double count_of_sample(const Setup& s, Target kind, const Array& target, std::int64_t row) {
  if (kind == Target::probabilities) return 1;
  return target[row] == kIgnored ? 0 : class_weight(s, static_cast<std::int64_t>(target[row]));
}

std::vector<double> log_softmax(const Array& logits, const Geometry& g, std::int64_t row) {
  double top = -kInf, sum = 0;
  for (std::int64_t c = 0; c < g.classes; ++c) top = std::max(top, logits[g.at(row, c)]);
  for (std::int64_t c = 0; c < g.classes; ++c) sum += std::exp(logits[g.at(row, c)] - top);
  std::vector<double> result;
  for (std::int64_t c = 0; c < g.classes; ++c) result.push_back(logits[g.at(row, c)] - top - std::log(sum));
  return result;
}

Input target_input(const Setup& s, Target kind) {
  if (kind == Target::probabilities) return {s.logits, {.low = 0.05, .high = 1}};
  const Geometry g(s.logits);
  const double low = s.ignores ? static_cast<double>(kIgnored) : 0;
  return {g.samples, {.low = low, .high = static_cast<double>(g.classes - 1), .integers = true}, i64};
}

// Note [Roundings of cross-entropy]. A loss is within n + 6 roundings of the size of its largest term, and its gradient
// within n + 10: see Note [Roundings of softmax]. Smoothing, probabilities and weights add a sum over the n classes and
// some products. The largest loss of logits in [-2, 2] is at least a quarter of the largest term, except for one class.
double roundings(const Setup& s) {
  const Geometry g(s.logits);
  return 4 * (2 * static_cast<double>(g.classes) + 20) + (s.sample_weights ? static_cast<double>(g.rows) : 0);
}

}  // namespace

Tensor class_weights(const Setup& s, DType dtype) {
  if (!s.class_weights) return {};
  Array weights(Shape{Geometry(s.logits).classes});
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(weights.size()); ++c) weights[c] = class_weight(s, c);
  return to_tensor(weights, dtype);
}

std::vector<double> distribution(const Setup& s, Target kind, const Array& target, std::int64_t row) {
  const Geometry g(s.logits);
  std::vector<double> q(static_cast<std::size_t>(g.classes));
  if (kind == Target::labels && target[row] == kIgnored) return q;
  for (std::int64_t c = 0; c < g.classes; ++c) {
    const double share = kind == Target::probabilities                 ? target[g.at(row, c)]
                         : static_cast<std::int64_t>(target[row]) == c ? 1.0
                                                                       : 0.0;
    q[static_cast<std::size_t>(c)] =
        class_weight(s, c) * ((1 - s.smoothing) * share + s.smoothing / static_cast<double>(g.classes));
  }
  return q;
}

Array cross_entropy_reference(const Setup& s, Target kind, std::span<const Array> in, bool softmax) {
  const Geometry g(s.logits);
  Array each(g.samples);
  double total = 0, count = 0;
  for (std::int64_t row = 0; row < g.rows; ++row) {
    const std::vector<double> q = distribution(s, kind, in[1], row), y = log_softmax(in[0], g, row);
    const double w = s.sample_weights ? in[2][row] : 1;
    for (std::int64_t c = 0; c < g.classes; ++c) {
      const auto k = static_cast<std::size_t>(c);
      each[row] -= w * q[k] * (softmax ? y[k] : in[0][g.at(row, c)]);
    }
    total += each[row];
    count += w * count_of_sample(s, kind, in[1], row);
  }
  if (s.reduction == Reduction::none) return each;
  return Array(Shape{}, s.reduction == Reduction::mean ? total / count : total);
}

Array diff_of_rows(const Setup& s, Target kind, const Array& diff, const Array& target) {
  if (s.reduction == Reduction::none) return diff;
  const Geometry g(s.logits);
  double count = s.reduction == Reduction::mean ? 0 : 1;
  for (std::int64_t i = 0; s.reduction == Reduction::mean && i < g.rows; ++i)
    count += count_of_sample(s, kind, target, i);
  return Array(g.samples, diff[0] / count);
}

Array cross_entropy_gradient(const Setup& s, Target kind, std::span<const Array> in, bool terms) {
  const Geometry g(s.logits);
  const Array diffs = diff_of_rows(s, kind, in[0], in[2]);
  Array result(s.logits);
  for (std::int64_t row = 0; row < g.rows; ++row) {
    const std::vector<double> q = distribution(s, kind, in[2], row), y = log_softmax(in[1], g, row);
    double mass = 0;
    for (const double share : q) mass += share;
    const double diff = diffs[row];
    for (std::int64_t c = 0; c < g.classes; ++c) {
      const auto k = static_cast<std::size_t>(c);
      result[g.at(row, c)] =
          terms ? std::fabs(diff) * (mass * std::exp(y[k]) + q[k]) : diff * (mass * std::exp(y[k]) - q[k]);
    }
  }
  return result;
}

Sample cross_entropy_sample(const Setup& s, Target kind) {
  Sample sample{s.name, {{s.logits}, target_input(s, kind)}};
  if (s.sample_weights) sample.inputs.push_back({Geometry(s.logits).samples, kPositive});
  sample.call = [s](std::span<const Tensor> in) {
    return std::vector{cross_entropy(in[0], in[1],
                                     {.weight = class_weights(s, in[0].dtype()),
                                      .ignore_index = s.ignores ? kIgnored : -100,
                                      .label_smoothing = s.smoothing,
                                      .reduction = s.reduction,
                                      .sample_weight = s.sample_weights ? in[2] : Tensor()})};
  };
  sample.reference = [s, kind](std::span<const Array> in) { return Arrays{cross_entropy_reference(s, kind, in)}; };
  sample.roundings = roundings(s);
  sample.gradient_roundings = 2 * roundings(s);
  return sample;
}

const std::vector<Setup>& setups() {
  static const std::vector<Setup> list{{"mean_5x10", {5, 10}},
                                       {"sum_3x17", {3, 17}, Reduction::sum},
                                       {"none_4x7", {4, 7}, Reduction::none},
                                       {"one_class_3x1", {3, 1}},
                                       {"one_row_1x33", {1, 33}},
                                       {"no_rows_sum_0x3", {0, 3}, Reduction::sum},
                                       {"no_rows_none_0x3", {0, 3}, Reduction::none},
                                       {"classes_alone_7", {7}},
                                       {"smoothed_5x10", {5, 10}, Reduction::mean, 0.1},
                                       {"weighted_6x5", {6, 5}, Reduction::mean, 0, true},
                                       {"ignoring_9x4", {9, 4}, Reduction::mean, 0, false, true},
                                       {"all_of_it_9x5", {9, 5}, Reduction::mean, 0.2, true, true},
                                       {"all_of_it_summed_9x5", {9, 5}, Reduction::sum, 0.2, true, true},
                                       {"inner_axes_2x3x2x2", {2, 3, 2, 2}, Reduction::mean, 0.1, true, true},
                                       {"inner_axis_none_2x4x3", {2, 4, 3}, Reduction::none},
                                       {"threads_mean_700x67", {700, 67}},
                                       {"threads_all_of_it_300x131", {300, 131}, Reduction::mean, 0.1, true, true},
                                       {"threads_none_64x1031", {64, 1031}, Reduction::none}};
  return list;
}
const std::vector<Setup>& weighted_setups() {
  static const std::vector<Setup> list{{"samples_5x4", {5, 4}, Reduction::mean, 0.1, true, true, true},
                                       {"samples_sum_5x4", {5, 4}, Reduction::sum, 0, false, false, true},
                                       {"samples_none_2x3x4", {2, 3, 4}, Reduction::none, 0, false, false, true}};
  return list;
}
const Setup& setup_named(const std::string& name) {
  return *std::find_if(setups().begin(), setups().end(), [&](const Setup& s) { return name == s.name; });
}

std::vector<Benchmark> class_benchmarks(const std::function<Sample(const Setup&)>& make) {
  return {{make({"small", {8, 10}})}, {make({"medium", {128, 128}})}, {make({"large", {4096, 1000}})}};
}

Tensor labels_of(std::initializer_list<double> values) { return tensor(values, i64); }

}  // namespace dagrad::op_table
