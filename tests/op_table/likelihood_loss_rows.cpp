#include <cmath>
#include <numbers>

#include "dagrad/core/creation.h"
#include "dagrad/ops/likelihood_loss.h"
#include "op_table/loss_cases.h"

namespace dagrad::op_table {
namespace {

constexpr Domain kLogarithm{.low = -3, .high = -0.2};
const LossOptions kEach{.reduction = Reduction::none};

KlDivReduction of(Reduction reduction) {
  return reduction == Reduction::none   ? KlDivReduction::none
         : reduction == Reduction::mean ? KlDivReduction::mean
                                        : KlDivReduction::sum;
}

std::vector<Row> kl_div_rows() {
  const PointwiseLoss loss{.name = "kl_div",
                           .formula = "target (ln(target) - input)",
                           .function =
                               [](const Tensor& x, const Tensor& y, const LossOptions& options) {
                                 return kl_div(x, y, {false, of(options.reduction), options.weight});
                               },
                           .value = [](Rounded x, Rounded y) { return y * (log(y) - x); },
                           .slopes =
                               [](Rounded x, Rounded y) {
                                 return std::array{-y, log(y) - x + Rounded(1)};
                               },
                           .x = kLogarithm,
                           .y = {.low = 0.1, .high = 1}};
  Row row = pointwise_loss_row(loss), backward = pointwise_loss_backward_row(loss, "kl_div_backward");
  row.edges.push_back(pair_edge("target_0_costs_nothing", loss.function, kEach,
                                {Array({3}, {-1.0, -kInf, 0}), Array({3})}, Array({3}), {Array({3}), Array({3})}));
  row.edges.push_back(pair_edge("impossible", loss.function, kEach, {Array({2}, {-kInf, 0}), Array({2}, {0.5, -1})},
                                Array({2}, {kInf, kNan})));
  row.edges.push_back({"batchmean",
                       {Array({2, 2}), Array({2, 2}, 1)},
                       {Array(Shape{}, 0)},
                       {Array({2, 2}, -0.5), Array({2, 2}, 0.5)},
                       [](std::span<const Tensor> in) {
                         return std::vector{kl_div(in[0], in[1], {.reduction = KlDivReduction::batchmean})};
                       }});
  row.bad.push_back(bad<ShapeError>(
      "batchmean", [] { kl_div(zeros_of({}), zeros_of({}), {.reduction = KlDivReduction::batchmean}); },
      "kl_div: batchmean of input [] (want a first axis to divide by)"));
  return {row, backward};
}

std::vector<Row> kl_div_log_target_rows() {
  const PointwiseLoss loss{.name = "kl_div_log_target",
                           .called = "kl_div",
                           .formula = "e^target (target - input)",
                           .function =
                               [](const Tensor& x, const Tensor& y, const LossOptions& options) {
                                 return kl_div(x, y, {true, of(options.reduction), options.weight});
                               },
                           .value = [](Rounded x, Rounded y) { return exp(y) * (y - x); },
                           .slopes =
                               [](Rounded x, Rounded y) {
                                 return std::array{-exp(y), exp(y) * (y - x + Rounded(1))};
                               },
                           .x = kLogarithm,
                           .y = {.low = -3, .high = -0.1}};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(pair_edge("target_of_probability_0_costs_nothing", loss.function, kEach,
                                {Array({3}, {-1.0, -kInf, 0}), Array({3}, -kInf)}, Array({3}),
                                {Array({3}), Array({3})}));
  return {row, pointwise_loss_backward_row(loss, "kl_div_log_target_backward")};
}

std::vector<Row> poisson_rows() {
  const PointwiseLoss loss{.name = "poisson_nll_loss",
                           .formula = "input - target ln(input + eps)",
                           .function =
                               [](const Tensor& x, const Tensor& y, const LossOptions& options) {
                                 return poisson_nll_loss(
                                     x, y,
                                     {.log_input = false, .reduction = options.reduction, .weight = options.weight});
                               },
                           .value = [](Rounded x, Rounded y) { return x - y * log(x + Rounded(1e-8)); },
                           .slopes =
                               [](Rounded x, Rounded y) {
                                 const Rounded sum = x + Rounded(1e-8);
                                 return std::array{Rounded(1) - y * (Rounded(1) / sum), -log(sum)};
                               },
                           .x = kPositive,
                           .y = {.low = 0, .high = 4}};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(pair_edge("none_expected_and_none_seen", loss.function, kEach, {Array({1}), Array({1})},
                                Array({1}), {Array({1}, 1), Array({1}, -std::log(1e-8))}));
  return {row, pointwise_loss_backward_row(loss, "poisson_nll_loss_backward")};
}

std::vector<Row> poisson_log_input_rows() {
  const PointwiseLoss loss{.name = "poisson_nll_loss_log_input",
                           .called = "poisson_nll_loss",
                           .formula = "e^input - target input",
                           .function =
                               [](const Tensor& x, const Tensor& y, const LossOptions& options) {
                                 return poisson_nll_loss(x, y,
                                                         {.reduction = options.reduction, .weight = options.weight});
                               },
                           .value = [](Rounded x, Rounded y) { return exp(x) - y * x; },
                           .slopes =
                               [](Rounded x, Rounded y) {
                                 return std::array{exp(x) - y, -x};
                               },
                           .y = {.low = 0, .high = 4}};
  Row row = pointwise_loss_row(loss);
  row.edges.push_back(pair_edge("infinite", loss.function, kEach,
                                {Array({3}, {-kInf, -kInf, kInf}), Array({3}, {0.0, 1, 0})},
                                Array({3}, {0.0, kInf, kInf})));
  return {row, pointwise_loss_backward_row(loss, "poisson_nll_loss_log_input_backward")};
}

Sample full_sample(const char* name, const Shape& shape, Reduction reduction) {
  // Targets from 1 on: below that the added term is 0, in a step.
  Sample sample{name, {{shape}, {shape, {.low = 1.1, .high = 9}}}};
  sample.call = [reduction](std::span<const Tensor> in) {
    return std::vector{poisson_nll_loss(in[0], in[1], {.full = true, .reduction = reduction})};
  };
  sample.reference = [reduction](std::span<const Array> in) {
    return Arrays{reduced(zip(in[0], in[1],
                              [](double x, double y) {
                                return std::exp(x) - y * x + y * std::log(y) - y +
                                       0.5 * std::log(2 * std::numbers::pi * y);
                              }),
                          reduction)};
  };
  // Of terms that are up to some twenty times the result.
  sample.roundings = sample.gradient_roundings = 20 * (20 + static_cast<double>(count_of(shape)));
  return sample;
}

Row poisson_full_row() {
  Row row{.name = "poisson_nll_loss_full",
          .formula = "e^input - target input + target ln(target) - target + ln(2 pi target) / 2",
          .primitive = "eltwise",
          .composite = true};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 100;
  row.samples = {full_sample("3x5", {3, 5}, Reduction::none), full_sample("17", {17}, Reduction::sum),
                 full_sample("scalar", {}, Reduction::mean), full_sample("sum_of_nothing_0x3", {0, 3}, Reduction::sum),
                 full_sample("large_4099", {4099}, Reduction::mean)};
  row.edges = {{"no_more_for_small_targets",
                {Array({3}), Array({3}, {0.0, 0.5, 1})},
                {Array({3}, 1)},
                {Array({3}, {1.0, 0.5, 0}), Array({3})},
                row.samples[0].call}};
  row.benchmarks = {{full_sample("medium", {16 << 10}, Reduction::mean)}};
  return row;
}

Sample gaussian_sample(const char* name, const Shape& shape, const Shape& variance,
                       const GaussianNllLossOptions& options) {
  Sample sample{name, {{shape}, {shape}, {variance, kPositive}}};
  sample.call = [options](std::span<const Tensor> in) {
    return std::vector{gaussian_nll_loss(in[0], in[1], in[2], options)};
  };
  sample.reference = [options](std::span<const Array> in) {
    const Array squares = zip(in[0], in[1], [](double x, double y) { return (x - y) * (x - y); });
    return Arrays{reduced(zip(squares, in[2],
                              [&](double d, double v) {
                                return 0.5 *
                                       (std::log(v) + d / v + (options.full ? std::log(2 * std::numbers::pi) : 0));
                              }),
                          options.reduction)};
  };
  sample.roundings = sample.gradient_roundings = 10 * (20 + static_cast<double>(count_of(shape)));
  return sample;
}

Row gaussian_row() {
  Row row{.name = "gaussian_nll_loss",
          .formula = "(ln(v) + (input - target)^2 / v) / 2 with v = max(variance, eps)",
          .primitive = "eltwise",
          .composite = true};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 30;
  row.samples = {gaussian_sample("mean_3x5", {3, 5}, {3, 5}, {}),
                 gaussian_sample("rows_3x5", {3, 5}, {3, 1}, {.full = true, .reduction = Reduction::sum}),
                 gaussian_sample("scalars", {}, {}, {.reduction = Reduction::none}),
                 gaussian_sample("sum_of_nothing_0x3", {0, 3}, {3}, {.reduction = Reduction::sum}),
                 gaussian_sample("large_64x1031", {64, 1031}, {64, 1}, {})};
  const auto each = [](std::span<const Tensor> in) {
    return std::vector{gaussian_nll_loss(in[0], in[1], in[2], {.eps = 1, .reduction = Reduction::none})};
  };
  row.edges = {{"variance_below_eps_still_has_a_gradient",
                {Array({1}, 2), Array({1}), Array({1})},
                {Array({1}, 2)},
                {Array({1}, 2), Array({1}, -2), Array({1}, -1.5)},
                each}};
  row.bad = {bad<UsageError>(
                 "negative",
                 [] {
                   gaussian_nll_loss(zeros_of({2}), zeros_of({2}), tensor({1, -1}));
                 },
                 "gaussian_nll_loss: a variance is negative (want variances of 0 or more)"),
             bad<ShapeError>(
                 "variance",
                 [] {
                   gaussian_nll_loss(zeros_of({2, 3}), zeros_of({2, 3}), zeros_of({2}));
                 },
                 "gaussian_nll_loss: variance is [2], input is [2, 3] (want variance to broadcast to it)"),
             bad<UsageError>(
                 "eps", [] { gaussian_nll_loss(zeros_of({2}), zeros_of({2}), zeros_of({2}), {.eps = 0}); },
                 "gaussian_nll_loss: eps is 0 (want eps > 0)")};
  row.benchmarks = {{gaussian_sample("medium", {16 << 10}, {16 << 10}, {})}};
  return row;
}

}  // namespace

std::vector<Row> likelihood_loss_rows() {
  std::vector<Row> all;
  for (const auto& family : {kl_div_rows, kl_div_log_target_rows, poisson_rows, poisson_log_input_rows}) {
    for (Row& row : family()) all.push_back(std::move(row));
  }
  all.push_back(poisson_full_row());
  all.push_back(gaussian_row());
  return all;
}

}  // namespace dagrad::op_table
