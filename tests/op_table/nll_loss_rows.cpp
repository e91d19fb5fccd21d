#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/cross_entropy.h"
#include "op_table/cross_entropy_cases.h"

namespace dagrad::op_table {
namespace {

Sample nll_sample(const Setup& s) {
  Sample sample = cross_entropy_sample(s, Target::labels);
  sample.call = [s](std::span<const Tensor> in) {
    return std::vector{nll_loss(in[0], in[1],
                                {.weight = class_weights(s, in[0].dtype()),
                                 .ignore_index = s.ignores ? kIgnored : -100,
                                 .reduction = s.reduction,
                                 .sample_weight = s.sample_weights ? in[2] : Tensor()})};
  };
  sample.reference = [s](std::span<const Array> in) {
    return Arrays{cross_entropy_reference(s, Target::labels, in, false)};
  };
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
  row.benchmarks = class_benchmarks(nll_sample);
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
  row.benchmarks = class_benchmarks(make);
  return row;
}

}  // namespace

std::vector<Row> nll_loss_rows() { return {nll_row(), nll_backward_row()}; }

}  // namespace dagrad::op_table
