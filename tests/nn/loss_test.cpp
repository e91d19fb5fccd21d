// Values of each loss worked out by hand; that the functions are right is shown by the op table.
#include "dagrad/nn/loss.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/softmax.h"

namespace dagrad::nn {
namespace {

const double kLn2 = std::log(2.0);

Tensor row(std::initializer_list<double> values) { return tensor(values, f64); }
double value(const Tensor& loss) { return loss.item<double>(); }

TEST(MSELoss, IsTheMeanOfSquares) {
  const Tensor x = row({1, 2, 3}), y = row({1, 4, 0});
  EXPECT_DOUBLE_EQ(value(MSELoss()(x, y)), 13.0 / 3);
  EXPECT_DOUBLE_EQ(value(MSELoss({.reduction = Reduction::sum})(x, y)), 13);
  EXPECT_EQ(MSELoss({.reduction = Reduction::none})(x, y).to_vector<double>(), (std::vector<double>{0, 4, 9}));
}

TEST(MSELoss, TakesTheWeightedMean) {
  const MSELoss loss({.weight = row({1, 2, 1})});
  EXPECT_DOUBLE_EQ(value(loss(row({1, 2, 3}), row({1, 4, 0}))), (2 * 4 + 9) / 4.0);
}

TEST(L1Loss, IsTheMeanDistance) { EXPECT_DOUBLE_EQ(value(L1Loss()(row({1, 2, 3}), row({1, 4, 0}))), 5.0 / 3); }

TEST(HuberLoss, IsSquareNearAndLinearFar) {
  const HuberLoss loss({.delta = 2, .reduction = Reduction::none});
  EXPECT_EQ(loss(row({1, 2, 5}), row({0, 0, 0})).to_vector<double>(), (std::vector<double>{0.5, 2, 8}));
  EXPECT_DOUBLE_EQ(value(HuberLoss()(row({3}), row({0}))), 2.5);
}

TEST(SmoothL1Loss, IsHuberOverBeta) {
  const Tensor x = row({0.5, 1, 4}), y = row({0, 0, 0});
  EXPECT_DOUBLE_EQ(value(SmoothL1Loss({.beta = 2})(x, y)), value(HuberLoss({.delta = 2})(x, y)) / 2);
}

TEST(CrossEntropyLoss, OfEvenLogitsIsTheLogarithmOfTheirNumber) {
  const Tensor logits = zeros({2, 4}, f64), labels = tensor({0, 3}, i64);
  EXPECT_DOUBLE_EQ(value(CrossEntropyLoss()(logits, labels)), std::log(4.0));
  EXPECT_DOUBLE_EQ(value(CrossEntropyLoss(Reduction::sum)(logits, labels)), 2 * std::log(4.0));
  EXPECT_DOUBLE_EQ(value(CrossEntropyLoss()(logits, full({2, 4}, 0.25, f64))), std::log(4.0));
}

TEST(CrossEntropyLoss, SpreadsSmoothingOverAllClasses) {
  // p = [3/4, 1/4]; the target becomes [0.9, 0.1].
  const Tensor logits = tensor({std::log(3.0), 0}, {1, 2}, f64);
  const double want = -0.9 * std::log(0.75) - 0.1 * std::log(0.25);
  EXPECT_DOUBLE_EQ(value(CrossEntropyLoss({.label_smoothing = 0.2})(logits, tensor({0}, i64))), want);
}

TEST(CrossEntropyLoss, WeighsClassesAndIgnoresLabels) {
  const Tensor logits = tensor({std::log(3.0), 0, 0, 0, 5, 5}, {3, 2}, f64), labels = tensor({0, 1, 7}, i64);
  const CrossEntropyLoss loss({.weight = row({1, 3}), .ignore_index = 7});
  EXPECT_DOUBLE_EQ(value(loss(logits, labels)), (std::log(4.0 / 3) + 3 * kLn2) / 4);
}

TEST(CrossEntropyLoss, TakesClassesOfInnerAxes) {
  // Two classes at three places of one image.
  const Tensor logits = tensor({std::log(3.0), 0, 0, 0, 0, std::log(3.0)}, {1, 2, 3}, f64);
  const Tensor labels = tensor({0, 0, 1}, {1, 3}, i64);
  const auto each = CrossEntropyLoss(Reduction::none)(logits, labels).to_vector<double>();
  EXPECT_DOUBLE_EQ(each[0], std::log(4.0 / 3));
  EXPECT_DOUBLE_EQ(each[1], kLn2);
  EXPECT_DOUBLE_EQ(each[2], std::log(4.0 / 3));
}

TEST(NLLLoss, OfLogSoftmaxIsCrossEntropy) {
  const Tensor logits = normal({5, 3}, 0, 1, f64), labels = tensor({0, 1, 2, -100, 1}, i64);
  EXPECT_NEAR(value(NLLLoss()(log_softmax(logits), labels)), value(CrossEntropyLoss()(logits, labels)), 1e-15);
  EXPECT_DOUBLE_EQ(value(NLLLoss()(tensor({-1, -2, -3, -4}, {2, 2}, f64), tensor({1, 0}, i64))), 2.5);
}

TEST(BCELoss, IsTheCostOfTheAnswer) {
  const Tensor p = row({0.5, 0.25, 0.75}), y = row({1, 0, 1});
  EXPECT_DOUBLE_EQ(value(BCELoss()(p, y)), (kLn2 - 2 * std::log(0.75)) / 3);
}

TEST(BCEWithLogitsLoss, AgreesWithProbabilities) {
  const Tensor x = row({-2, 0, 3}), y = row({1, 0.3, 1});
  EXPECT_NEAR(value(BCEWithLogitsLoss()(x, y)), value(BCELoss()(sigmoid(x), y)), 1e-15);
  // The positive answers count three times, and the mean is over the number of answers.
  EXPECT_NEAR(value(BCEWithLogitsLoss({.pos_weight = row({3})})(row({0, 0}), row({1, 0}))), 2 * kLn2, 1e-15);
  EXPECT_NEAR(value(BCEWithLogitsLoss({.weight = row({3, 1})})(row({0, 0}), row({1, 0}))), 2 * kLn2, 1e-15);
}

TEST(KLDivLoss, IsZeroBetweenEqualsAndDividesByTheBatch) {
  const Tensor p = tensor({0.5, 0.5, 0.25, 0.75}, {2, 2}, f64), q = tensor({0.5, 0.5, 0.5, 0.5}, {2, 2}, f64);
  const double divergence = 0.25 * std::log(0.5) + 0.75 * std::log(1.5);
  EXPECT_NEAR(value(KLDivLoss()(log(p), p)), 0, 1e-16);
  EXPECT_NEAR(value(KLDivLoss({.reduction = KlDivReduction::batchmean})(log(q), p)), divergence / 2, 1e-16);
  EXPECT_NEAR(value(KLDivLoss()(log(q), p)), divergence / 4, 1e-16);
  EXPECT_NEAR(value(KLDivLoss({.log_target = true, .reduction = KlDivReduction::sum})(log(q), log(p))), divergence,
              1e-16);
}

TEST(PoissonNLLLoss, IsTheNegativeLogLikelihood) {
  EXPECT_DOUBLE_EQ(value(PoissonNLLLoss()(row({kLn2}), row({3}))), 2 - 3 * kLn2);
  EXPECT_NEAR(value(PoissonNLLLoss({.log_input = false})(row({2}), row({3}))), 2 - 3 * kLn2, 1e-7);
  // With Stirling's term it is near -ln(e^-2 2^10 / 10!).
  EXPECT_NEAR(value(PoissonNLLLoss({.full = true})(row({kLn2}), row({10}))), 2 - 10 * kLn2 + std::lgamma(11.0), 0.01);
}

TEST(GaussianNLLLoss, IsTheNegativeLogLikelihood) {
  const double density = std::exp(-0.5) / (2 * std::sqrt(2 * M_PI));  // of N(0, 4) at 2
  EXPECT_NEAR(value(GaussianNLLLoss({.full = true})(row({0}), row({2}), row({4}))), -std::log(density), 1e-15);
}

TEST(HingeLoss, IsWhatIsMissingToTheMargin) {
  EXPECT_DOUBLE_EQ(value(HingeLoss()(row({2, 0.5, -1}), row({1, 1, 1}))), 2.5 / 3);
  EXPECT_DOUBLE_EQ(value(HingeLoss()(row({2, 0.5, -1}), row({-1, -1, -1}))), 4.5 / 3);
}

TEST(HingeEmbeddingLoss, PullsPairsTogetherAndPushesOthersApart) {
  EXPECT_DOUBLE_EQ(value(HingeEmbeddingLoss()(row({0.5, 0.5, 2}), row({1, -1, -1}))), 1.0 / 3);
}

TEST(MarginRankingLoss, CostsWrongOrder) {
  EXPECT_DOUBLE_EQ(value(MarginRankingLoss()(row({1, 1}), row({3, 3}), row({1, -1}))), 1);
  EXPECT_DOUBLE_EQ(value(MarginRankingLoss({.margin = 3})(row({1, 1}), row({3, 3}), row({1, -1}))), 3);
}

TEST(MultiMarginLoss, SumsOverTheOtherClasses) {
  const Tensor scores = tensor({0.1, 0.2, 0.4, 0.8}, {1, 4}, f64), label = tensor({3}, i64);
  EXPECT_DOUBLE_EQ(value(MultiMarginLoss()(scores, label)), (0.3 + 0.4 + 0.6) / 4);
  EXPECT_DOUBLE_EQ(value(MultiMarginLoss({.p = 2})(scores, label)), (0.09 + 0.16 + 0.36) / 4);
}

TEST(TripletMarginLoss, ComparesDistances) {
  const Tensor anchor = row({0, 0}), positive = row({3, 4}), negative = row({0, 5.5});
  EXPECT_NEAR(value(TripletMarginLoss()(anchor, positive, negative)), 0.5, 1e-5);
  // The negative is nearer to the positive: sqrt(3^2 + 1.5^2).
  EXPECT_NEAR(value(TripletMarginLoss({.swap = true})(anchor, positive, negative)), 6 - std::sqrt(11.25), 1e-5);
}

TEST(CosineEmbeddingLoss, ComparesDirections) {
  const Tensor a = tensor({1, 0, 1, 0}, {2, 2}, f64), b = tensor({0, 2, 3, 3}, {2, 2}, f64);
  EXPECT_DOUBLE_EQ(value(CosineEmbeddingLoss()(a, b, row({1, 1}))), (1 + 1 - std::sqrt(0.5)) / 2);
  EXPECT_NEAR(value(CosineEmbeddingLoss({.margin = 0.2})(a, b, row({-1, -1}))), (std::sqrt(0.5) - 0.2) / 2, 1e-15);
}

TEST(Losses, TakeWeightsOfTheBatchsSamples) {
  const Tensor x = row({1, 2, 3}), y = row({1, 4, 0}), w = row({1, 2, 1});
  EXPECT_DOUBLE_EQ(value(MSELoss()(x, y, w)), (2 * 4 + 9) / 4.0);
  EXPECT_DOUBLE_EQ(value(HuberLoss({.delta = 1, .reduction = Reduction::sum})(x, y, w)), 2 * 1.5 + 2.5);
  EXPECT_NEAR(value(BCEWithLogitsLoss()(row({0, 0}), row({1, 0}), row({3, 1}))), 2 * kLn2, 1e-15);
  EXPECT_DOUBLE_EQ(value(MarginRankingLoss()(row({1, 1}), row({3, 3}), row({1, -1}), row({3, 1}))), 1.5);
  // Class labels: weights of classes stay, and both enter the mean.
  const Tensor logits = tensor({std::log(3.0), 0, 0, 0}, {2, 2}, f64), labels = tensor({0, 1}, i64);
  const CrossEntropyLoss loss({.weight = row({1, 3})});
  EXPECT_DOUBLE_EQ(value(loss(logits, labels, row({2, 1}))), (2 * std::log(4.0 / 3) + 3 * kLn2) / 5);
  EXPECT_DOUBLE_EQ(value(NLLLoss()(tensor({-1, -2, -3, -4}, {2, 2}, f64), tensor({1, 0}, i64), row({0, 2}))), 3);
  const Tensor scores = tensor({0.1, 0.2, 0.8, 0.1, 0.2, 0.8}, {2, 3}, f64);
  const MultiMarginLoss margins({.weight = row({1, 1, 2}), .reduction = Reduction::none});
  EXPECT_EQ(margins(scores, tensor({2, 2}, i64), row({0, 0.5})).to_vector<double>(),
            (std::vector<double>{0, 0.5 * margins(scores, tensor({2, 2}, i64)).to_vector<double>()[1]}));
}

/// Expects a loss to weigh its samples as the sums over its single losses say. `by_count`: the mean divides by the
/// number of losses, not by the sum of the weights.
template <class L, class Options, class... Inputs>
void expect_weighted(Options options, const Tensor& weights, bool by_count, const Inputs&... inputs) {
  using Kind = decltype(options.reduction);
  const auto value_with = [&](Kind reduction, const Tensor& w) {
    options.reduction = reduction;
    const L loss(options);
    return w.defined() ? loss(inputs..., w) : loss(inputs...);
  };
  const std::vector<double> each = value_with(Kind::none, {}).template to_vector<double>(),
                            weighted = value_with(Kind::none, weights).template to_vector<double>(),
                            w = weights.to_vector<double>();
  ASSERT_EQ(each.size() % w.size(), 0u);
  double sum = 0, weight_sum = 0;
  for (std::size_t i = 0; i < each.size(); ++i) {
    const double of_sample = w[i / (each.size() / w.size())];
    EXPECT_NEAR(weighted[i], each[i] * of_sample, 1e-14);
    sum += each[i] * of_sample;
    weight_sum += of_sample;
  }
  EXPECT_GT(std::abs(sum), 0.01);
  EXPECT_NEAR(value(value_with(Kind::sum, weights)), sum, 1e-13);
  EXPECT_NEAR(value(value_with(Kind::mean, weights)), sum / (by_count ? static_cast<double>(each.size()) : weight_sum),
              1e-14);
}

TEST(Losses, WeighTheirSamplesInEveryReduction) {
  manual_seed(8);
  const Tensor x = randn({4, 3}, f64), y = randn({4, 3}, f64), p = sigmoid(x), q = sigmoid(y);
  const Tensor labels = tensor({0, 2, 1, 2}, i64),
               signs = tensor({1, -1, 1, 1, -1, 1, 1, 1, -1, -1, 1, -1}, {4, 3}, f64);
  const Tensor rows = tensor({0.5, 2, 0, 1}, {4, 1}, f64), samples = tensor({0.5, 2, 0, 1}, f64);
  const Tensor sides = tensor({1, -1, 1, -1}, f64);
  expect_weighted<MSELoss>(LossOptions{}, rows, false, x, y);
  expect_weighted<L1Loss>(LossOptions{}, rows, false, x, y);
  expect_weighted<HuberLoss>(HuberLossOptions{.delta = 0.5}, rows, false, x, y);
  expect_weighted<SmoothL1Loss>(SmoothL1LossOptions{.beta = 0.5}, rows, false, x, y);
  expect_weighted<BCELoss>(BinaryCrossEntropyOptions{}, rows, true, p, q);
  expect_weighted<BCEWithLogitsLoss>(BinaryCrossEntropyWithLogitsOptions{}, rows, true, x, q);
  expect_weighted<KLDivLoss>(KlDivOptions{}, rows, false, log(p), q);
  expect_weighted<PoissonNLLLoss>(PoissonNllLossOptions{}, rows, false, x, q);
  expect_weighted<GaussianNLLLoss>(GaussianNllLossOptions{}, rows, false, x, y, q + 0.5);
  expect_weighted<HingeLoss>(HingeLossOptions{}, rows, false, x, signs);
  expect_weighted<HingeEmbeddingLoss>(HingeLossOptions{}, rows, false, p, signs);
  expect_weighted<MultiMarginLoss>(MultiMarginLossOptions{}, samples, false, x, labels);
  expect_weighted<NLLLoss>(NllLossOptions{}, samples, false, log_softmax(x), labels);
  expect_weighted<CrossEntropyLoss>(CrossEntropyOptions{.label_smoothing = 0.1}, samples, false, x, labels);
  expect_weighted<MarginRankingLoss>(RankingLossOptions{.margin = 0.5}, rows, false, x, y, signs);
  expect_weighted<CosineEmbeddingLoss>(RankingLossOptions{}, samples, false, x, y, sides);
  expect_weighted<TripletMarginLoss>(TripletMarginLossOptions{}, samples, false, x, y, p);
}

TEST(Losses, GiveTheTargetAGradientToo) {
  const Tensor x = row({1, 2}).requires_grad_(), y = row({0, 0.5}).requires_grad_();
  MSELoss()(x, y).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 1.5}));
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{-1, -1.5}));
}

}  // namespace
}  // namespace dagrad::nn
