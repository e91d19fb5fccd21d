#include <algorithm>
#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/cross_entropy.h"
#include "op_table/inputs.h"
#include "op_table/loss_cases.h"

namespace dagrad::op_table {
namespace {

enum class Target { labels, probabilities };

/// A sample of cross_entropy or nll_loss: its inputs are the logits, the target and, where it has them, the weights of
/// the samples. The weights of the classes are constants.
struct Setup {
  const char* name;
  Shape logits;
  Reduction reduction = Reduction::mean;
  double smoothing = 0;
  bool class_weights = false, ignores = false, sample_weights = false;
};

/// Logits as [outer, classes, inner].
struct Geometry {
  std::int64_t classes, inner, rows;
  Shape samples;

  explicit Geometry(const Shape& logits) : samples(logits) {
    const int axis = logits.rank() == 1 ? 0 : 1;
    classes = logits[axis];
    samples.erase(axis);
    rows = count_of(samples);
    inner = 1;
    for (int i = axis + 1; i < logits.rank(); ++i) inner *= logits[i];
  }
  std::int64_t at(std::int64_t row, std::int64_t c) const { return (row / inner * classes + c) * inner + row % inner; }
};

constexpr std::int64_t kIgnored = -1;

double class_weight(const Setup& s, std::int64_t c) {
  return s.class_weights ? 0.5 + 0.25 * static_cast<double>(c % 4) : 1;
}

Tensor class_weights(const Setup& s, DType dtype) {
  if (!s.class_weights) return {};
  Array weights(Shape{Geometry(s.logits).classes});
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(weights.size()); ++c) weights[c] = class_weight(s, c);
  return to_tensor(weights, dtype);
}

/// The target's distribution in a row, weighed.
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

/// The loss, or without `softmax` that of logits that are log-probabilities.
Array reference(const Setup& s, Target kind, std::span<const Array> in, bool softmax = true) {
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

/// What diff_dst becomes for each row.
Array diff_of_rows(const Setup& s, Target kind, const Array& diff, const Array& target) {
  if (s.reduction == Reduction::none) return diff;
  const Geometry g(s.logits);
  double count = s.reduction == Reduction::mean ? 0 : 1;
  for (std::int64_t i = 0; s.reduction == Reduction::mean && i < g.rows; ++i)
    count += count_of_sample(s, kind, target, i);
  return Array(g.samples, diff[0] / count);
}

/// diff (Q p - q), or with absolute values |diff| (Q p + q). Inputs: diff_dst, logits, target.
Array gradient(const Setup& s, Target kind, std::span<const Array> in, bool terms) {
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

Sample sample_of(const Setup& s, Target kind) {
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
  sample.reference = [s, kind](std::span<const Array> in) { return Arrays{reference(s, kind, in)}; };
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
/// Those that a gradient by the weights of samples goes with.
const std::vector<Setup>& weighted_setups() {
  static const std::vector<Setup> list{{"samples_5x4", {5, 4}, Reduction::mean, 0.1, true, true, true},
                                       {"samples_sum_5x4", {5, 4}, Reduction::sum, 0, false, false, true},
                                       {"samples_none_2x3x4", {2, 3, 4}, Reduction::none, 0, false, false, true}};
  return list;
}
const Setup& setup_named(const std::string& name) {
  return *std::find_if(setups().begin(), setups().end(), [&](const Setup& s) { return name == s.name; });
}

std::vector<Benchmark> benchmarks(const std::function<Sample(const Setup&)>& make) {
  return {{make({"small", {8, 10}})}, {make({"medium", {128, 128}})}, {make({"large", {4096, 1000}})}};
}

Row forward_row(const char* name, const char* formula, Target kind) {
  Row row{.name = name, .formula = formula};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  for (const Setup& s : setups()) {
    // Probabilities are never ignored.
    if (kind == Target::labels || !s.ignores) row.samples.push_back(sample_of(s, kind));
  }
  for (Setup s : weighted_setups()) {
    s.ignores = s.ignores && kind == Target::labels;
    row.samples.push_back(sample_of(s, kind));
  }
  row.bf16_roundings = 4;  // the target that is smoothed and weighed; losses that are weighed
  row.benchmarks = benchmarks([kind](const Setup& s) { return sample_of(s, kind); });
  return row;
}

Row backward_row(const char* name, const char* formula, Target kind) {
  Row row{.name = name, .formula = formula};
  const auto make = [kind](const Setup& s) {
    Sample sample = sample_of(s, kind);
    sample.inputs.insert(sample.inputs.begin(),
                         {s.reduction == Reduction::none ? Geometry(s.logits).samples : Shape{}});
    sample.call = gradient_of(sample.call, 0);
    sample.reference = [s, kind](std::span<const Array> in) { return Arrays{gradient(s, kind, in, false)}; };
    sample.roundings = sample.gradient_roundings;
    sample.gradient_roundings =
        3 * sample.roundings + (s.reduction == Reduction::none ? 0 : static_cast<double>(Geometry(s.logits).rows));
    return sample;
  };
  for (const Setup& s : setups()) {
    if (kind == Target::labels || !s.ignores) row.samples.push_back(make(s));
  }
  row.terms = by_largest;
  // A gradient by diff_dst is a sum of h (Q p - q), which may cancel.
  row.gradient_terms = [kind](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    const Setup& s = setup_named(sample.name);
    Arrays result = gradients_by_largest(sample, in, diff);
    const Arrays at_one{Array(in[0].shape, 1), in[1], in[2]};
    const Array terms = gradient(s, kind, at_one, true);
    const Geometry g(s.logits);
    Array of_diff(in[0].shape);
    for (std::int64_t r = 0; r < g.rows; ++r) {
      for (std::int64_t c = 0; c < g.classes; ++c)
        of_diff[s.reduction == Reduction::none ? r : 0] += terms[g.at(r, c)] * std::fabs(diff[0][g.at(r, c)]);
    }
    result[0] = of_diff;
    return result;
  };
  row.bf16_roundings = 4;
  row.benchmarks = benchmarks(make);
  return row;
}

Tensor labels_of(std::initializer_list<double> values) { return tensor(values, i64); }

/// cross_entropy for labels that are no input.
Call with_labels(std::initializer_list<double> values, const CrossEntropyOptions& options = {}) {
  return [labels = std::vector<double>(values), options](std::span<const Tensor> in) {
    Array target(Shape{static_cast<std::int64_t>(labels.size())});
    target.values = labels;
    return std::vector{cross_entropy(in[0], to_tensor(target, i64), options)};
  };
}

std::vector<Bad> label_errors() {
  const auto with = [](const CrossEntropyOptions& options) {
    return [options] { cross_entropy(zeros_of({2, 3}), labels_of({0, 1}), options); };
  };
  return {
      bad<UsageError>(
          "label_too_large",
          [] {
            cross_entropy(zeros_of({2, 3}), labels_of({0, 3}));
          },
          "cross_entropy: label 3 at index 1 (want 0 to 2)"),
      bad<UsageError>(
          "label_negative",
          [] {
            cross_entropy(zeros_of({2, 3}), labels_of({-1, 0}));
          },
          "cross_entropy: label -1 at index 0 (want 0 to 2)"),
      bad<UsageError>(
          "label_of_inner_axis",
          [] {
            cross_entropy(zeros_of({2, 3, 2}), tensor({0, 1, 2, 9}, {2, 2}, i64));
          },
          "cross_entropy: label 9 at index [1, 1] (want 0 to 2)"),
      bad<ShapeError>(
          "logits", [] { cross_entropy(zeros_of({}), zeros_of({}, i64)); },
          "cross_entropy: logits are [] (want [C], [N, C] or [N, C, d1, ...])"),
      bad<ShapeError>(
          "target",
          [] {
            cross_entropy(zeros_of({3, 2}), labels_of({0, 0}));
          },
          "cross_entropy: target is [2], logits are [3, 2] (want target of [3])"),
      bad<DTypeError>(
          "target_type",
          [] {
            cross_entropy(zeros_of({2, 3}), zeros_of({2}, u8));
          },
          "cross_entropy: target is u8 (want class indices of i64)"),
      bad<DTypeError>(
          "logits_type",
          [] {
            cross_entropy(zeros_of({2, 3}, i64), zeros_of({2}, i64));
          },
          "cross_entropy: i64 (want f32, bf16 or f64)"),
      bad<ShapeError>("weight", with({.weight = zeros_of({2})}),
                      "cross_entropy: weight is [2], logits are [2, 3] (want weight of [3])"),
      bad<DTypeError>("weight_type", with({.weight = zeros_of({3}, f64)}),
                      "cross_entropy: weight is f64, logits are f32 (want one type; cast with to())"),
      bad<GradientError>("weight_requires_grad", with({.weight = zeros_of({3}).requires_grad_()}),
                         "cross_entropy: weight requires a gradient, which class indices do not give it (want a "
                         "constant: detach it)"),
      bad<ShapeError>("sample_weight", with({.sample_weight = zeros_of({3})}),
                      "cross_entropy: sample_weight is [3], losses are [2] (want sample_weight to broadcast to it)"),
      bad<UsageError>("label_smoothing", with({.label_smoothing = 1.5}),
                      "cross_entropy: label_smoothing is 1.5 (want 0 <= label_smoothing <= 1)")};
}

Row cross_entropy_row() {
  Row row =
      forward_row("cross_entropy", "-log_softmax(logits)[i, target[i]], smoothed, weighed and reduced", Target::labels);
  row.bad = label_errors();
  row.edges = {
      {"certain_and_right", {Array({1, 2}, {1e30, -1e30})}, {Array(Shape{}, 0)}, {Array({1, 2})}, with_labels({0})},
      {"certain_and_wrong",
       {Array({1, 2}, {1e4, -1e4})},
       {Array(Shape{}, 2e4)},
       {Array({1, 2}, {1.0, -1})},
       with_labels({1})},
      {"impossible", {Array({1, 2}, {-kInf, 0})}, {Array(Shape{}, kInf)}, {Array({1, 2}, {-1.0, 1})}, with_labels({0})},
      {"impossible_but_not_asked_for",
       {Array({1, 3}, {0.0, -kInf, 0})},
       {Array(Shape{}, std::log(2.0))},
       {Array({1, 3}, {-0.5, 0, 0.5})},
       with_labels({0})},
      {"impossible_and_smoothed",
       {Array({1, 2}, {-kInf, 0})},
       {Array(Shape{}, kInf)},
       {},
       with_labels({1}, {.label_smoothing = 0.1})},
      {"infinite",
       {Array({2, 2}, {kInf, 0, -kInf, -kInf})},
       {Array({2}, kNan)},
       {},
       with_labels({0, 0}, {.reduction = Reduction::none})},
      {"mean_of_nothing", {Array({0, 3})}, {Array(Shape{}, kNan)}, {}, with_labels({})},
      {"all_ignored", {Array({2, 3})}, {Array(Shape{}, kNan)}, {}, with_labels({-100, -100})},
      {"ignored_whatever_its_logits",
       {Array({2, 2}, {kNan, kInf, 0, 0})},
       {Array(Shape{}, std::log(2.0))},
       {Array({2, 2}, {0.0, 0, -0.5, 0.5})},
       with_labels({-100, 0})},
      {"mean_by_the_weights_of_labels",
       {Array({2, 2})},
       {Array(Shape{}, std::log(2.0))},
       {Array({2, 2}, {-0.375, 0.375, 0.125, -0.125})},
       [](std::span<const Tensor> in) {
         return std::vector{cross_entropy(in[0], labels_of({0, 1}), {.weight = tensor({3, 1}, in[0].dtype())})};
       }}};
  return row;
}

Row soft_cross_entropy_row() {
  Row row = forward_row("soft_cross_entropy",
                        "-sum_c target[i, c] log_softmax(logits)[i, c], smoothed, weighed and "
                        "reduced",
                        Target::probabilities);
  const auto none = [](std::span<const Tensor> in) {
    return std::vector{cross_entropy(in[0], in[1], Reduction::none)};
  };
  row.bad = {bad<ShapeError>(
                 "probabilities",
                 [] {
                   cross_entropy(zeros_of({2, 3}), zeros_of({2}));
                 },
                 "cross_entropy: target is [2] of f32, logits are [2, 3] (want class probabilities of [2, 3], or class "
                 "indices of i64 and [2])"),
             bad<DTypeError>(
                 "type",
                 [] {
                   cross_entropy(zeros_of({2, 3}), zeros_of({2, 3}, f64));
                 },
                 "cross_entropy: element types differ: f32 and f64 (want one type; cast with to())")};
  row.edges = {{"huge_logits",
                {Array({2, 2}, {1e4, -1e4, 1e4, -1e4}), Array({2, 2}, {1.0, 0, 0.5, 0.5})},
                {Array({2}, {0.0, 1e4})},
                {Array({2, 2}, {0.0, 0, 0.5, -0.5}), Array({2, 2}, {0.0, 2e4, 0, 2e4})},
                none},
               {"impossible_but_not_asked_for",
                {Array({1, 3}, {0.0, -kInf, 0}), Array({1, 3}, {0.5, 0, 0.5})},
                {Array({1}, std::log(2.0))},
                {Array({1, 3}), Array({1, 3}, {std::log(2.0), kInf, std::log(2.0)})},
                none},
               {"impossible_and_asked_for",
                {Array({1, 2}, {0.0, -kInf}), Array({1, 2}, {0.5, 0.5})},
                {Array({1}, kInf)},
                {},
                none},
               {"no_target", {Array({1, 2}, {1.0, 2}), Array({1, 2})}, {Array({1}, 0)}, {}, none}};
  return row;
}

/// The weights of classes get a gradient from probabilities.
Row class_weight_row() {
  Row row{.name = "cross_entropy_class_weight",
          .formula = "-sum_c weight[c] target[i, c] log_softmax(logits)[i, c], by the weight as well",
          .composite = true};
  const auto sample = [](const char* name, const Shape& shape) {
    Sample result{name, {{shape}, {shape, {.low = 0.05, .high = 1}}, {{shape[1]}, kPositive}}};
    result.call = [](std::span<const Tensor> in) {
      return std::vector{cross_entropy(in[0], in[1], {.weight = in[2], .label_smoothing = 0.2})};
    };
    result.reference = [shape](std::span<const Array> in) {
      const double share = 0.2 / static_cast<double>(shape[1]);
      Array q =
          zip(map(in[1], [&](double t) { return 0.8 * t + share; }), in[2], [](double t, double w) { return t * w; });
      const Arrays inputs{in[0], q};
      return Arrays{reference({"", shape}, Target::probabilities, inputs)};
    };
    result.roundings = 4 * (2 * static_cast<double>(shape[1]) + 30);
    result.gradient_roundings = 2 * result.roundings + static_cast<double>(shape[0]);
    return result;
  };
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 6;
  row.samples = {sample("4x5", {4, 5}), sample("1x17", {1, 17})};
  row.benchmarks = {{sample("large", {4096, 1000})}};
  return row;
}

// --- nll_loss ---

Sample nll_sample(const Setup& s) {
  Sample sample = sample_of(s, Target::labels);
  sample.call = [s](std::span<const Tensor> in) {
    return std::vector{nll_loss(in[0], in[1],
                                {.weight = class_weights(s, in[0].dtype()),
                                 .ignore_index = s.ignores ? kIgnored : -100,
                                 .reduction = s.reduction,
                                 .sample_weight = s.sample_weights ? in[2] : Tensor()})};
  };
  sample.reference = [s](std::span<const Array> in) { return Arrays{reference(s, Target::labels, in, false)}; };
  sample.roundings = sample.gradient_roundings = 10 + 2 * static_cast<double>(Geometry(s.logits).rows);
  return sample;
}

/// Sums of elements of both signs: the bound is for the sum of their absolute values, at most 2 each.
Arrays nll_terms(const Sample& sample, std::span<const Array> in) {
  Arrays absolute_inputs = absolute(in);
  absolute_inputs[1] = in[1];
  return absolute(sample.reference(absolute_inputs));
}

Row nll_row() {
  Row row{.name = "nll_loss", .formula = "-weight[target[i]] log_probabilities[i, target[i]], reduced"};
  for (const Setup& s : setups()) {
    if (s.smoothing == 0) row.samples.push_back(nll_sample(s));
  }
  row.samples.push_back(nll_sample({"all_of_it_9x5", {9, 5}, Reduction::mean, 0, true, true}));
  row.samples.push_back(nll_sample({"inner_axes_2x3x2x2", {2, 3, 2, 2}, Reduction::mean, 0, true, true}));
  for (Setup s : weighted_setups()) {
    s.smoothing = 0;
    row.samples.push_back(nll_sample(s));
  }
  row.terms = nll_terms;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 4;
  row.nonzero_gradients = 0.05;  // one in each row
  row.bad = {bad<UsageError>(
                 "label",
                 [] {
                   nll_loss(zeros_of({2, 3}), labels_of({0, 3}));
                 },
                 "nll_loss: label 3 at index 1 (want 0 to 2)"),
             bad<ShapeError>(
                 "target",
                 [] {
                   nll_loss(zeros_of({3, 2}), labels_of({0, 0}));
                 },
                 "nll_loss: target is [2], log_probabilities are [3, 2] (want target of [3])"),
             bad<DTypeError>(
                 "target_type",
                 [] {
                   nll_loss(zeros_of({2, 3}), zeros_of({2, 3}));
                 },
                 "nll_loss: target is f32 (want class indices of i64)")};
  const auto first = [](std::span<const Tensor> in) {
    return std::vector{nll_loss(in[0], labels_of({0, -100}), {.reduction = Reduction::sum})};
  };
  row.edges = {{"ignored_and_impossible",
                {Array({2, 2}, {-kInf, kNan, kNan, kNan})},
                {Array(Shape{}, kInf)},
                {Array({2, 2}, {-1.0, 0, 0, 0})},
                first}};
  row.benchmarks = benchmarks(nll_sample);
  return row;
}

Row nll_backward_row() {
  Row row{.name = "nll_loss_backward", .formula = "-weight[c] diff_dst[i] where c = target[i], else 0"};
  const auto make = [](const Setup& s) {
    // It is linear, so that log_probabilities do not matter: its inputs are diff_dst and the target.
    Sample sample = nll_sample(s);
    sample.inputs[0] = {s.reduction == Reduction::none ? Geometry(s.logits).samples : Shape{}};
    sample.call = [s, call = gradient_of(sample.call, 0)](std::span<const Tensor> in) {
      return call(std::vector{in[0], zeros(s.logits, in[0].dtype()), in[1]});
    };
    sample.reference = [s](std::span<const Array> in) {
      const Geometry g(s.logits);
      const Array diffs = diff_of_rows(s, Target::labels, in[0], in[1]);
      Array result(s.logits);
      for (std::int64_t r = 0; r < g.rows; ++r) {
        const std::vector<double> q = distribution(s, Target::labels, in[1], r);
        for (std::int64_t c = 0; c < g.classes; ++c) result[g.at(r, c)] = -q[static_cast<std::size_t>(c)] * diffs[r];
      }
      return Arrays{result};
    };
    return sample;
  };
  for (const Setup& s : setups()) {
    // Not the one whose few inputs have a Jacobian of millions of elements.
    if (s.smoothing == 0 && s.name != std::string("threads_none_64x1031")) row.samples.push_back(make(s));
  }
  row.terms = by_largest;
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    Arrays result = gradients_by_largest(sample, in, diff);
    Array upper(result[0].shape);
    for (double& value : upper.values) value = 1.5;  // a mean or single elements of diff, which are no larger
    if (in[0].size() == 1) upper[0] *= static_cast<double>(in[1].size());
    result[0] = upper;
    return result;
  };
  row.bf16_roundings = 4;
  row.nonzero_gradients = 0.05;
  row.benchmarks = benchmarks(make);
  return row;
}

}  // namespace

std::vector<Row> cross_entropy_rows() {
  return {
      cross_entropy_row(),
      backward_row("cross_entropy_backward", "diff_dst[i] (Q softmax(logits)[i] - q[i]) for labels", Target::labels),
      soft_cross_entropy_row(),
      backward_row("soft_cross_entropy_backward", "diff_dst[i] (Q softmax(logits)[i] - q[i]) for probabilities",
                   Target::probabilities),
      class_weight_row(),
      nll_row(),
      nll_backward_row()};
}

}  // namespace dagrad::op_table
