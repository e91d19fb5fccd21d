#include <cmath>

#include "dagrad/ops/binary_cross_entropy.h"
#include "op_table/loss_cases.h"

namespace dagrad::op_table {
namespace {

constexpr Domain kProbability{.low = 0.1, .high = 0.9};
const LossOptions kEach{.reduction = Reduction::none};

Tensor bce(const Tensor& x, const Tensor& y, const LossOptions& options) {
  return binary_cross_entropy(x, y, {options.reduction, options.weight});
}
Tensor logits_bce(const Tensor& x, const Tensor& y, const LossOptions& options) {
  return binary_cross_entropy_with_logits(x, y, {.reduction = options.reduction, .weight = options.weight});
}

Rounded relu(Rounded x) { return x.value > 0 ? x : Rounded(0, 0); }
/// ln(1 + e^x) and 1 / (1 + e^-x), each as computed without cancellation.
Rounded softplus(Rounded x) { return relu(x) + log1p(exp(-abs(x))); }
Rounded logistic(Rounded x) {
  const Rounded e = exp(-abs(x)), near = Rounded(1) / (Rounded(1) + e);
  return x.value > 0 ? near : e * near;
}

std::vector<Row> probability_rows() {
  const PointwiseLoss loss{.name = "binary_cross_entropy",
                           .formula = "-(target ln(input) + (1 - target) ln(1 - input))",
                           .function = bce,
                           .value = [](Rounded x, Rounded y) { return -(y * log(x) + (Rounded(1) - y) * log1p(-x)); },
                           .slopes =
                               [](Rounded x, Rounded y) {
                                 return std::array{(x - y) / (x * (Rounded(1) - x)), log1p(-x) - log(x)};
                               },
                           .x = kProbability,
                           .y = {.low = 0, .high = 1}};
  Row row = pointwise_loss_row(loss);
  row.bad.push_back(bad<UsageError>(
      "probability",
      [] {
        Tensor x = zeros_of({2, 3});
        x.mutable_data<float>()[4] = 1.5F;
        binary_cross_entropy(x, zeros_of({2, 3}));
      },
      "binary_cross_entropy: input 1.5 at index [1, 1] (want probabilities, 0 to 1; for logits there is "
      "binary_cross_entropy_with_logits)"));
  row.edges.push_back(pair_edge("certain", bce, kEach, {Array({4}, {0.0, 1, 0, 1}), Array({4}, {0.0, 1, 1, 0})},
                                Array({4}, {0.0, 0, 100, 100}),
                                {Array({4}, {0.0, 0, -1e12, 1e12}), Array({4}, {100.0, -100, 100, -100})}));
  row.edges.push_back(pair_edge("nan", bce, kEach, {Array({2}, {kNan, 0.5}), Array({2}, {1, kNan})}, Array({2}, kNan)));
  return {row, pointwise_loss_backward_row(loss, "binary_cross_entropy_backward")};
}

std::vector<Row> logits_rows() {
  const PointwiseLoss loss{
      .name = "binary_cross_entropy_with_logits",
      .formula = "target softplus(-logits) + (1 - target) softplus(logits)",
      .function = logits_bce,
      .value = [](Rounded x, Rounded y) { return y * softplus(-x) + (Rounded(1) - y) * softplus(x); },
      .slopes =
          [](Rounded x, Rounded y) {
            return std::array{(Rounded(1) - y) * logistic(x) - y * logistic(-x), relu(-x) - relu(x)};
          },
      .x = {.low = -6, .high = 6},
      .y = {.low = 0, .high = 1}};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(
      pair_edge("huge_logits", logits_bce, kEach,
                {Array({6}, {1e4, 1e4, -1e4, -1e4, 1e4, -1e4}), Array({6}, {1.0, 0, 1, 0, 0.5, 0.5})},
                Array({6}, {0.0, 1e4, 1e4, 0, 5e3, 5e3}),
                {Array({6}, {0.0, 1, -1, 0, 0.5, -0.5}), Array({6}, {-1e4, -1e4, 1e4, 1e4, -1e4, 1e4})}));
  row.edges.push_back(pair_edge("infinite_logits", logits_bce, kEach,
                                {Array({5}, {kInf, kInf, -kInf, -kInf, kInf}), Array({5}, {1.0, 0, 1, 0, 0.5})},
                                Array({5}, {0.0, kInf, kInf, 0, kInf}),
                                {Array({5}, {0.0, 1, -1, 0, 0.5}), Array({5}, {-kInf, -kInf, kInf, kInf, -kInf})}));
  row.edges.push_back(
      pair_edge("nan", logits_bce, kEach, {Array({2}, {kNan, 0}), Array({2}, {1, kNan})}, Array({2}, kNan)));
  const double small = 1 / (1 + std::exp(30.0));
  row.edges.push_back(pair_edge("small_gradients_keep_their_digits", logits_bce, {.reduction = Reduction::sum},
                                {Array({2}, {30.0, -30}), Array({2}, {1.0, 0})},
                                Array(Shape{}, 2 * std::log1p(std::exp(-30.0))),
                                {Array({2}, {-small, small}), Array({2}, {-30.0, 30})}));
  return {row, pointwise_loss_backward_row(loss, "binary_cross_entropy_with_logits_backward")};
}

/// Inputs x, y, pos_weight and weight.
Sample weighted_sample(const char* name, const Shape& shape, const Shape& pos_weight, const Shape& weight,
                       Reduction reduction) {
  Sample sample{name, {{shape}, {shape, {.low = 0, .high = 1}}, {pos_weight, kPositive}, {weight, kPositive}}};
  sample.call = [reduction](std::span<const Tensor> in) {
    return std::vector{
        binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = in[2], .reduction = reduction, .weight = in[3]})};
  };
  sample.reference = [reduction](std::span<const Array> in) {
    const Array scaled_y = zip(in[1], in[2], [](double y, double w) { return y * w; });
    const auto plus = [](double a, double b) { return a + b; };
    const auto times = [](double a, double b) { return a * b; };
    const Array yes = zip(scaled_y, map(in[0], [](double x) { return std::log1p(std::exp(-x)); }), times);
    const Array no = zip(map(in[1], [](double y) { return 1 - y; }),
                         map(in[0], [](double x) { return std::log1p(std::exp(x)); }), times);
    Array result = reduced(zip(yes, no, plus), reduction == Reduction::mean ? Reduction::none : reduction, &in[3]);
    return Arrays{reduced(result, reduction)};  // the mean is over the count
  };
  sample.roundings = 30 + static_cast<double>(count_of(shape));
  sample.gradient_roundings = 4 * sample.roundings;
  return sample;
}

Row weighted_row() {
  Row row{.name = "weighted_binary_cross_entropy",
          .formula = "mean(weight (pos_weight target softplus(-logits) + (1 - target) softplus(logits)))",
          .composite = true};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 4;
  row.samples = {weighted_sample("classes_5x3", {5, 3}, {3}, {5, 1}, Reduction::mean),
                 weighted_sample("rows_3x5", {3, 5}, {3, 1}, {3, 5}, Reduction::sum),
                 weighted_sample("numbers_4x3", {4, 3}, {}, {1}, Reduction::none),
                 weighted_sample("scalars", {}, {}, {}, Reduction::mean),
                 weighted_sample("sum_of_nothing_0x3", {0, 3}, {3}, {0, 1}, Reduction::sum),
                 weighted_sample("middle_2x3x4", {2, 3, 4}, {3, 1}, {2, 1, 1}, Reduction::mean),
                 weighted_sample("large_64x1031", {64, 1031}, {1031}, {64, 1}, Reduction::mean)};
  row.bad = {
      bad<ShapeError>(
          "pos_weight",
          [] {
            binary_cross_entropy_with_logits(zeros_of({4, 3}), zeros_of({4, 3}), {.pos_weight = zeros_of({4})});
          },
          "binary_cross_entropy_with_logits: pos_weight is [4], logits are [4, 3] (want pos_weight to broadcast "
          "to it)"),
      bad<DTypeError>(
          "pos_weight_type",
          [] {
            binary_cross_entropy_with_logits(zeros_of({4, 3}), zeros_of({4, 3}), {.pos_weight = zeros_of({3}, f64)});
          },
          "binary_cross_entropy_with_logits: pos_weight is f64, logits are f32 (want one type; cast with to())")};
  row.edges = {{"pos_weight_of_infinite_logits",
                {Array({3}, {kInf, -kInf, -kInf}), Array({3}, {1.0, 1, 0}), Array(Shape{}, 3), Array({1}, 1)},
                {Array({3}, {0.0, kInf, 0})},
                {},
                row.samples[2].call}};
  row.benchmarks = {{weighted_sample("small", {8, 10}, {10}, {8, 1}, Reduction::mean)},
                    {weighted_sample("large", {1024, 1024}, {1024}, {1024, 1}, Reduction::mean)}};
  return row;
}

}  // namespace

std::vector<Row> binary_cross_entropy_rows() {
  std::vector<Row> all = probability_rows();
  for (Row& row : logits_rows()) all.push_back(std::move(row));
  all.push_back(weighted_row());
  return all;
}

}  // namespace dagrad::op_table
