// Losses of regression, and weights, which all losses share.
#include <cmath>

#include "dagrad/ops/loss.h"
#include "op_table/loss_cases.h"

namespace dagrad::op_table {
namespace {

// Differences of these two are never near a whole number, where there may be a kink.
constexpr Domain kWhole{.low = -3, .high = 3, .integers = true};
constexpr Domain kBetweenWhole{.low = 0.2, .high = 0.8};

std::array<Rounded, 2> opposite(Rounded slope) { return {slope, -slope}; }
/// Of a number that is not near 0.
Rounded sign(Rounded x) { return {x.value > 0 ? 1.0 : -1.0, 0}; }

/// Equal infinities have no difference.
Edge infinite(const Loss& loss) {
  return pair_edge("infinite_and_nan", loss, {.reduction = Reduction::none},
                   {Array({4}, {kInf, kInf, 0, kNan}), Array({4}, {kInf, 0, -kInf, 0})},
                   Array({4}, {kNan, kInf, kInf, kNan}));
}

std::vector<Row> mse_rows() {
  const PointwiseLoss loss{
      .name = "mse_loss",
      .formula = "(input - target)^2",
      .function = [](const Tensor& x, const Tensor& y, const LossOptions& options) { return mse_loss(x, y, options); },
      .value = [](Rounded x, Rounded y) { return square(x - y); },
      .slopes = [](Rounded x, Rounded y) { return opposite((x - y) + (x - y)); }};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(infinite(loss.function));
  return {row, pointwise_loss_backward_row(loss, "mse_loss_backward")};
}

std::vector<Row> l1_rows() {
  const PointwiseLoss loss{
      .name = "l1_loss",
      .formula = "|input - target|",
      .function = [](const Tensor& x, const Tensor& y, const LossOptions& options) { return l1_loss(x, y, options); },
      .value = [](Rounded x, Rounded y) { return abs(x - y); },
      .slopes = [](Rounded x, Rounded y) { return opposite(sign(x - y)); },
      .x = kWhole,
      .y = kBetweenWhole};
  Row row = pointwise_loss_row(loss), backward = pointwise_loss_backward_row(loss, "l1_loss_backward");
  row.edges.push_back(infinite(loss.function));
  row.edges.push_back(pair_edge("gradient_at_equality_is_0", loss.function, {.reduction = Reduction::sum},
                                {Array({3}, {1.0, 2, 3}), Array({3}, {1.0, 3, 2})}, Array(Shape{}, 2),
                                {Array({3}, {0.0, -1, 1}), Array({3}, {0.0, 1, -1})}));
  backward.nonzero_gradients = 0.01;  // of diff_dst alone: |d| has no second derivative
  return {row, backward};
}

std::vector<Row> huber_rows() {
  const PointwiseLoss loss{
      .name = "huber_loss",
      .formula = "d^2 / 2 up to |d| = delta, else delta (|d| - delta / 2)",
      .function =
          [](const Tensor& x, const Tensor& y, const LossOptions& options) {
            return huber_loss(x, y, {.delta = 2, .reduction = options.reduction, .weight = options.weight});
          },
      .value =
          [](Rounded x, Rounded y) {
            const Rounded d = x - y;
            return std::fabs(d.value) <= 2 ? Rounded(0.5) * d * d : Rounded(2) * (abs(d) - Rounded(1));
          },
      .slopes =
          [](Rounded x, Rounded y) {
            const Rounded d = x - y;
            return opposite(std::fabs(d.value) <= 2 ? d : Rounded(2) * sign(d));
          },
      .x = kWhole,
      .y = kBetweenWhole};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(infinite(loss.function));
  row.edges.push_back(pair_edge("both_sides_of_delta", loss.function, {.reduction = Reduction::none},
                                {Array({3}, {0.0, 2, -3}), Array({3})}, Array({3}, {0.0, 2, 4}),
                                {Array({3}, {0.0, 2, -2}), Array({3}, {0.0, -2, 2})}));
  row.bad.push_back(bad<UsageError>(
      "delta", [] { huber_loss(zeros_of({2}), zeros_of({2}), {.delta = 0}); },
      "huber_loss: delta is 0 (want delta > 0)"));
  return {row, pointwise_loss_backward_row(loss, "huber_loss_backward")};
}

std::vector<Row> smooth_l1_rows() {
  const PointwiseLoss loss{
      .name = "smooth_l1_loss",
      .formula = "d^2 / (2 beta) below |d| = beta, else |d| - beta / 2",
      .function =
          [](const Tensor& x, const Tensor& y, const LossOptions& options) {
            return smooth_l1_loss(x, y, {.beta = 2, .reduction = options.reduction, .weight = options.weight});
          },
      .value =
          [](Rounded x, Rounded y) {
            const Rounded d = x - y;
            return std::fabs(d.value) < 2 ? Rounded(0.5) * d * d / Rounded(2) : abs(d) - Rounded(1);
          },
      .slopes =
          [](Rounded x, Rounded y) {
            const Rounded d = x - y;
            return opposite(std::fabs(d.value) < 2 ? d / Rounded(2) : sign(d));
          },
      .x = kWhole,
      .y = kBetweenWhole};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(infinite(loss.function));
  row.edges.push_back({"beta_0_is_l1",
                       {Array({3}, {1.0, 2, 3}), Array({3}, {1.0, 3, 2})},
                       {Array({3}, {0.0, 1, 1})},
                       {Array({3}, {0.0, -1, 1}), Array({3}, {0.0, 1, -1})},
                       [](std::span<const Tensor> in) {
                         return std::vector{smooth_l1_loss(in[0], in[1], {.beta = 0, .reduction = Reduction::none})};
                       }});
  row.bad.push_back(bad<UsageError>(
      "beta", [] { smooth_l1_loss(zeros_of({2}), zeros_of({2}), {.beta = -1}); },
      "smooth_l1_loss: beta is -1 (want beta >= 0)"));
  return {row, pointwise_loss_backward_row(loss, "smooth_l1_loss_backward")};
}

// --- weights ---

Sample weighted_sample(const char* name, const Shape& shape, const Shape& weight, Reduction reduction) {
  Sample sample{name, {{shape}, {shape}, {weight, kPositive}}};
  sample.call = [reduction](std::span<const Tensor> in) {
    return std::vector{mse_loss(in[0], in[1], {.reduction = reduction, .weight = in[2]})};
  };
  sample.reference = [reduction](std::span<const Array> in) {
    return Arrays{reduced(zip(in[0], in[1], [](double x, double y) { return (x - y) * (x - y); }), reduction, &in[2])};
  };
  // Two sums and what is done to their elements. The gradient of a weight is a difference, and a sum where it repeats.
  sample.roundings = 20 + 2 * static_cast<double>(count_of(shape));
  sample.gradient_roundings = 4 * sample.roundings;
  return sample;
}

Row weighted_row() {
  Row row{.name = "weighted_loss",
          .formula = "sum(weight loss) / sum(weight), sum(weight loss) or weight loss, here of mse_loss",
          .composite = true};
  row.terms = by_largest;
  // A weight's gradient of the mean is (loss - mean) / sum(weight), whose parts may cancel altogether.
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    double largest = 0, weights = 0, largest_diff = 0;
    for (std::size_t i = 0; i < in[0].size(); ++i)
      largest = std::max(largest, std::pow(in[0].values[i] - in[1].values[i], 2));
    for (const double w : in[2].values) weights += w;
    for (const double d : diff[0].values) largest_diff = std::max(largest_diff, std::fabs(d));
    Arrays terms = gradients_by_largest(sample, in, diff);
    if (terms.size() > 2 && weights > 0) {
      for (double& term : terms[2].values) term = std::max(term, largest / weights * largest_diff);
    }
    return terms;
  };
  row.bf16_roundings = 4;  // the losses, weighed, and two sums
  row.samples = {weighted_sample("mean_7", {7}, {7}, Reduction::mean),
                 weighted_sample("mean_rows_5x3", {5, 3}, {5, 1}, Reduction::mean),
                 weighted_sample("mean_columns_5x3", {5, 3}, {3}, Reduction::mean),
                 weighted_sample("sum_4x3", {4, 3}, {4, 3}, Reduction::sum),
                 weighted_sample("none_4x3", {4, 3}, {}, Reduction::none),
                 weighted_sample("scalars", {}, {}, Reduction::mean),
                 weighted_sample("sum_of_nothing_0x3", {0, 3}, {0, 1}, Reduction::sum),
                 weighted_sample("large_64x1031", {64, 1031}, {64, 1}, Reduction::mean)};
  row.edges = {{"all_weights_0",
                {Array({2}, {1.0, 2}), Array({2}), Array({2})},
                {Array(Shape{}, kNan)},
                {},
                row.samples[0].call},
               {"mean_of_nothing_is_nan",
                {Array({0, 3}), Array({0, 3}), Array({3}, 1)},
                {Array(Shape{}, kNan)},
                {},
                row.samples[0].call},
               {"weight_0_leaves_out",
                {Array({2}, {1.0, 3}), Array({2}), Array({2}, {1.0, 0})},
                {Array(Shape{}, 1)},
                {Array({2}, {2.0, 0}), Array({2}, {-2.0, 0}), Array({2}, {0.0, 8})},
                row.samples[0].call}};
  row.benchmarks = {{weighted_sample("small", {8, 10}, {8, 1}, Reduction::mean)},
                    {weighted_sample("large", {1024, 1024}, {1024, 1}, Reduction::mean)}};
  return row;
}

}  // namespace

std::vector<Row> loss_rows() {
  std::vector<Row> all;
  for (const auto& family : {mse_rows, l1_rows, huber_rows, smooth_l1_rows, cross_entropy_rows, nll_loss_rows,
                             binary_cross_entropy_rows, likelihood_loss_rows, margin_loss_rows}) {
    for (Row& row : family()) all.push_back(std::move(row));
    if (family == mse_rows) all.push_back(weighted_row());
  }
  return all;
}

}  // namespace dagrad::op_table
