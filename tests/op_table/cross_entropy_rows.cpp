#include <algorithm>
#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/cross_entropy.h"
#include "op_table/cross_entropy_cases.h"
#include "op_table/inputs.h"

namespace dagrad::op_table {
namespace {

Row forward_row(const char* name, const char* formula, Target kind) {
  Row row{.name = name, .formula = formula};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  for (const Setup& s : setups()) {
    // Probabilities are never ignored.
    if (kind == Target::labels || !s.ignores) row.samples.push_back(cross_entropy_sample(s, kind));
  }
  for (Setup s : weighted_setups()) {
    s.ignores = s.ignores && kind == Target::labels;
    row.samples.push_back(cross_entropy_sample(s, kind));
  }
  row.bf16_roundings = 4;  // the target that is smoothed and weighed; losses that are weighed
  row.benchmarks = class_benchmarks([kind](const Setup& s) { return cross_entropy_sample(s, kind); });
  return row;
}

Row backward_row(const char* name, const char* formula, Target kind) {
  Row row{.name = name, .formula = formula};
  const auto make = [kind](const Setup& s) {
    Sample sample = cross_entropy_sample(s, kind);
    sample.inputs.insert(sample.inputs.begin(),
                         {s.reduction == Reduction::none ? Geometry(s.logits).samples : Shape{}});
    sample.call = gradient_of(sample.call, 0);
    sample.reference = [s, kind](std::span<const Array> in) {
      return Arrays{cross_entropy_gradient(s, kind, in, false)};
    };
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
    const Array terms = cross_entropy_gradient(s, kind, at_one, true);
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
  row.benchmarks = class_benchmarks(make);
  return row;
}

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
      return Arrays{cross_entropy_reference({"", shape}, Target::probabilities, inputs)};
    };
    result.roundings = 4 * (2 * static_cast<double>(shape[1]) + 30);
    result.gradient_roundings = 2 * result.roundings + static_cast<double>(shape[0]);
    return result;
  };
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 6;
  row.samples = {sample("4x5", {4, 5}), sample("1x17", {1, 17})};
  row.edges = {{"mean_of_nothing_is_nan",
                {Array({0, 3}), Array({0, 3}), Array({3}, 1)},
                {Array(Shape{}, kNan)},
                {},
                row.samples[0].call}};
  row.benchmarks = {{sample("large", {4096, 1000})}};
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
      class_weight_row()};
}

}  // namespace dagrad::op_table
