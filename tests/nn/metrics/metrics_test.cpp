#include "dagrad/nn/metrics/metrics.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <regex>
#include <set>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::metrics {
namespace {

Tensor classes(std::initializer_list<double> values) { return tensor(values, i64); }

/// What a metric says of samples given in one batch and in batches of other sizes, with weights and without.
struct Case {
  std::unique_ptr<Metric> metric;
  Tensor target, prediction;
};

std::vector<Case> cases() {
  manual_seed(1);
  constexpr std::int64_t kCount = 37;
  const Tensor labels = randint(0, 4, {kCount}), bits = randint(0, 2, {kCount}), scores = randn({kCount, 4});
  const Tensor chances = round(rand({kCount}) * 10) / 10.0;  // with ties
  const Tensor y = randn({kCount, 3}, f64), p = y + randn({kCount, 3}, f64) * 0.5;
  std::vector<Case> result;
  const auto add = [&](auto metric, const Tensor& target, const Tensor& prediction) {
    result.push_back({std::make_unique<decltype(metric)>(std::move(metric)), target, prediction});
  };
  add(BinaryAccuracy(), bits, chances);
  add(SparseCategoricalAccuracy(), labels, scores);
  add(CategoricalAccuracy(), randn({kCount, 4}), scores);
  add(TopKCategoricalAccuracy(2), labels, scores);
  for (const Average average : {Average::micro, Average::macro}) {
    add(Precision({.classes = 4, .average = average}), labels, scores);
    add(Recall({.classes = 4, .average = average}), labels, scores);
    add(FScore({.classes = 4, .average = average}, 2), labels, scores);
  }
  add(Precision(), bits, chances);
  add(AUC(), bits, chances);
  add(MeanSquaredError(), y, p);
  add(RootMeanSquaredError(), y, p);
  add(MeanAbsoluteError(), y, p);
  add(R2Score(), y, p);
  add(LossMetric("nll", [](const Tensor& p_, const Tensor& t) { return cross_entropy(p_, t, Reduction::none); }),
      labels, scores);
  return result;
}

TEST(Metrics, AreAllAmongThoseCases) {
  std::set<std::string> known;
  for (const Case& c : cases())  // the metric of a loss is called as one likes
    known.insert(c.metric->name() == "nll" ? "LossMetric" : c.metric->name());
  const std::regex pattern(
      R"(class (\w+)(?: final)? : public (?:Metric|SampleMean|ClassificationMetric|MeanSquaredError))");
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(DAGRAD_SOURCE_DIR "/nn/metrics")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) found.insert((*at)[1]);
  }
  for (const char* base : {"SampleMean", "ClassificationMetric"}) EXPECT_EQ(found.erase(base), 1u) << base;
  EXPECT_EQ(found, known);
}

TEST(Metrics, DoNotDependOnTheSizesOfBatches) {
  for (const Case& c : cases()) {
    for (const bool weighted : {false, true}) {
      const std::int64_t count = c.target.size(0);
      const Tensor weights = weighted ? rand({count}) : Tensor();
      c.metric->reset();
      EXPECT_TRUE(std::isnan(c.metric->result())) << c.metric->name();
      const double whole = (*c.metric)(c.target, c.prediction, weights);
      EXPECT_FALSE(std::isnan(whole)) << c.metric->name();
      c.metric->reset();
      for (std::int64_t first = 0, size = 1; first < count; first += size, ++size) {
        const std::int64_t length = std::min(size, count - first);
        c.metric->update(narrow(c.target, 0, first, length), narrow(c.prediction, 0, first, length),
                         weighted ? narrow(weights, 0, first, length) : Tensor());
      }
      EXPECT_NEAR(c.metric->result(), whole, 1e-13 * std::abs(whole)) << c.metric->name();
    }
  }
}

/// What a metric of a loss says of samples in batches of 1, 2, 3, ...
template <class L>
double by_batches(const L& loss, const Tensor& prediction, const Tensor& target, const Tensor& weights = {}) {
  LossMetric metric("loss", loss);
  for (std::int64_t first = 0, size = 1; first < target.size(0); first += size, ++size) {
    const std::int64_t length = std::min(size, target.size(0) - first);
    metric.update(narrow(target, 0, first, length), narrow(prediction, 0, first, length),
                  weights.defined() ? narrow(weights, 0, first, length) : Tensor());
  }
  return metric.result();
}

TEST(LossMetric, IsTheMeanOfEveryLossOverAllSamples) {
  manual_seed(5);
  constexpr std::int64_t kCount = 23;
  const Tensor x = randn({kCount, 3}, f64), y = randn({kCount, 3}, f64), p = sigmoid(x), q = sigmoid(y);
  const Tensor labels = randint(0, 3, {kCount}), signs = randint(0, 2, {kCount, 3});
  const Tensor sides = to(signs, f64) * 2 - 1;
  const auto check = [](const auto& loss, const Tensor& prediction, const Tensor& target) {
    const double whole = loss(prediction, target).template item<double>();
    EXPECT_NEAR(by_batches(loss, prediction, target), whole, 1e-13 * std::max(1.0, std::abs(whole)));
  };
  check(nn::MSELoss(), x, y);
  check(nn::L1Loss(), x, y);
  check(nn::HuberLoss({.delta = 0.5}), x, y);
  check(nn::SmoothL1Loss({.beta = 0.5}), x, y);
  check(nn::BCELoss(), p, q);
  check(nn::BCEWithLogitsLoss({.pos_weight = tensor({1, 2, 3}, f64)}), x, q);
  check(nn::KLDivLoss(), log(p), q);
  check(nn::KLDivLoss({.reduction = KlDivReduction::batchmean}), log(p), q);
  check(nn::PoissonNLLLoss(), x, q);
  check(nn::HingeLoss(), x, sides);
  check(nn::HingeEmbeddingLoss(), p, sides);
  check(nn::MultiMarginLoss({.weight = tensor({1, 2, 3}, f64)}), x, labels);
  check(nn::NLLLoss(), log_softmax(x), labels);
  check(nn::CrossEntropyLoss({.label_smoothing = 0.1}), x, labels);
  check(nn::CrossEntropyLoss(), x, softmax(y));
  // Weights of classes and ignored labels count in the mean as they do in the loss.
  check(nn::CrossEntropyLoss({.weight = tensor({1, 2, 5}, f64), .ignore_index = 1}), x, labels);
  const Tensor places = randn({kCount, 3, 4}, f64), classes_of_places = randint(0, 3, {kCount, 4});
  check(nn::CrossEntropyLoss({.weight = tensor({1, 2, 5}, f64), .ignore_index = 0}), places, classes_of_places);
}

TEST(LossMetric, TakesWeightsOfSamplesAsTheLossDoes) {
  manual_seed(6);
  const Tensor x = randn({9, 3}, f64), labels = randint(0, 3, {9}), weights = rand({9}, f64);
  const nn::CrossEntropyLoss loss({.weight = tensor({1, 2, 5}, f64), .ignore_index = 1});
  EXPECT_NEAR(by_batches(loss, x, labels, weights), loss(x, labels, weights).item<double>(), 1e-14);
  expect_error<UsageError>([&] { LossMetric("mse", nn::MSELoss({.weight = ones({3})})); },
                           "mse: the loss has weights of samples (want them given to update)");
}

TEST(Metrics, TakeAWeightForThatManySamples) {
  for (const Case& c : cases()) {
    // Sample 0 three times, sample 1 not at all, the others once.
    Tensor weights = ones({c.target.size(0)});
    weights.mutable_data<float>()[0] = 3;
    weights.mutable_data<float>()[1] = 0;
    const double weighted = (*c.metric)(c.target, c.prediction, weights);
    c.metric->reset();
    for (int i = 0; i < 3; ++i) c.metric->update(narrow(c.target, 0, 0, 1), narrow(c.prediction, 0, 0, 1));
    const std::int64_t rest = c.target.size(0) - 2;
    const double repeated = (*c.metric)(narrow(c.target, 0, 2, rest), narrow(c.prediction, 0, 2, rest));
    EXPECT_NEAR(weighted, repeated, 1e-13 * std::abs(repeated)) << c.metric->name();
  }
}

TEST(Metrics, GoOnFromASavedStateToTheBit) {
  const std::vector<Case> whole = cases(), resumed = cases();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(whole[i].metric->name());
    Metric &from = *whole[i].metric, &to = *resumed[i].metric;
    const Tensor &target = whole[i].target, &prediction = whole[i].prediction;
    from.update(narrow(target, 0, 0, 11), narrow(prediction, 0, 0, 11));
    to.update(narrow(target, 0, 20, 5), narrow(prediction, 0, 20, 5));  // is forgotten
    to.prepare_state(from.state())();
    for (Metric* metric : {&from, &to}) metric->update(narrow(target, 0, 11, 9), narrow(prediction, 0, 11, 9));
    EXPECT_EQ(to.result(), from.result());
    optim::State other = from.state();
    other.kind = "Another";
    EXPECT_THROW(static_cast<void>(to.prepare_state(other)), UsageError);
  }
}

TEST(Metrics, RefuseABadBatchAndStayAsTheyWere) {
  for (const Case& c : cases()) {
    const double before = (*c.metric)(c.target, c.prediction);
    EXPECT_THROW(c.metric->update(narrow(c.target, 0, 0, 5), c.prediction), Error) << c.metric->name();
    EXPECT_THROW(c.metric->update(c.target, c.prediction, ones({3})), ShapeError) << c.metric->name();
    EXPECT_THROW(c.metric->update(c.target, c.prediction, full({c.target.size(0)}, -1)), UsageError)
        << c.metric->name();
    EXPECT_EQ(c.metric->result(), before) << c.metric->name();
  }
}

TEST(Mean, WeighsItsValues) {
  Mean mean;
  EXPECT_TRUE(std::isnan(mean.result()));
  EXPECT_EQ(mean(tensor({1, 2, 3})), 2);
  EXPECT_EQ(mean(tensor({10}), tensor({3})), 6);
  EXPECT_EQ(mean(scalar(6)), 6);
  EXPECT_EQ(mean.total_weight(), 7);
  mean.reset();
  EXPECT_EQ(mean(tensor({1, 3, 5, 7}, {2, 2}), tensor({3, 1})), 3);
}

TEST(Accuracy, CountsRightAnswers) {
  EXPECT_EQ(BinaryAccuracy()(tensor({0, 1, 1, 0}), tensor({0.2, 0.5, 0.9, 0.7})), 0.5);
  EXPECT_EQ(BinaryAccuracy(0)(tensor({0, 1}), tensor({-1, 1})), 1);
  EXPECT_EQ(BinaryAccuracy()(tensor({0, 1, 1, 1}, {2, 2}), tensor({0, 0, 1, 1}, {2, 2})), 0.75);
  const Tensor scores = tensor({3, 1, 2, 0, 5, 5, NAN, 1, 0}, {3, 3});
  EXPECT_EQ(SparseCategoricalAccuracy()(classes({0, 1, 0}), scores), 2.0 / 3);  // the first of equals; NaN is wrong
  EXPECT_EQ(SparseCategoricalAccuracy()(classes({0, 2, 1}), scores), 1.0 / 3);
  EXPECT_EQ(CategoricalAccuracy()(tensor({1, 0, 0, 0, 0, 1, 0, 1, 0}, {3, 3}), scores), 1.0 / 3);
  EXPECT_EQ(TopKCategoricalAccuracy(1)(classes({0, 1, 0}), scores), 2.0 / 3);
  EXPECT_EQ(TopKCategoricalAccuracy(2)(classes({2, 2, 0}), scores), 2.0 / 3);
  EXPECT_EQ(TopKCategoricalAccuracy(2)(tensor({0, 0, 1, 0, 0, 1, 1, 0, 0}, {3, 3}), scores), 2.0 / 3);
  EXPECT_EQ(TopKCategoricalAccuracy(9)(classes({1, 0, 1}), scores), 2.0 / 3);
  expect_error<UsageError>(
      [&] {
        SparseCategoricalAccuracy()(classes({0, 3, 0}), scores);
      },
      "SparseCategoricalAccuracy: target at index 1 is 3 (want 0 to 2)");
  expect_error<UsageError>([&] { BinaryAccuracy()(tensor({0.5}), tensor({0.5})); },
                           "BinaryAccuracy: target at index 0 is 0.5 (want 0 or 1)");
  expect_error<UsageError>([] { TopKCategoricalAccuracy(0); }, "TopKCategoricalAccuracy: k is 0 (want k >= 1)");
}

TEST(Confusion, CountsEveryPair) {
  ConfusionMatrix matrix(3);
  matrix.update(classes({0, 0, 1, 2}), classes({0, 1, 1, 0}));
  const Tensor counts = matrix(classes({2}), tensor({0.1, 0.2, 0.7}, {1, 3}), tensor({2.5}));
  EXPECT_EQ(counts.to_vector<double>(), (std::vector<double>{1, 1, 0, 0, 1, 0, 1, 0, 2.5}));
  EXPECT_EQ(counts.shape(), (Shape{3, 3}));
  expect_error<UsageError>([&] { matrix.update(classes({0}), classes({-1})); },
                           "ConfusionMatrix: prediction at index 0 is -1 (want 0 to 2)");
  expect_error<ShapeError>(
      [&] {
        matrix.update(classes({0}), zeros({1, 4}));
      },
      "ConfusionMatrix: prediction is [1, 4] (want scores of 3 classes)");
  expect_error<DTypeError>([&] { matrix.update(tensor({0}), classes({0})); },
                           "ConfusionMatrix: target has element type f32 (want i64 class indices)");
}

TEST(Confusion, GivesPrecisionRecallAndFScore) {
  // Class 0: TP 2, FP 1, FN 1. Class 1: TP 1, FP 1, FN 2. Class 2: TP 1, FP 1, FN 0. Class 3 does not occur.
  const Tensor target = classes({0, 0, 0, 1, 1, 1, 2}), prediction = classes({0, 0, 1, 1, 0, 2, 2});
  const ClassificationOptions macro{.classes = 4, .average = Average::macro},
      micro{.classes = 4, .average = Average::micro};
  EXPECT_DOUBLE_EQ(Precision(macro)(target, prediction), (2.0 / 3 + 1.0 / 2 + 1.0 / 2) / 3);
  EXPECT_DOUBLE_EQ(Recall(macro)(target, prediction), (2.0 / 3 + 1.0 / 3 + 1.0) / 3);
  EXPECT_DOUBLE_EQ(FScore(macro)(target, prediction), (2.0 / 3 + 2.0 / 5 + 2.0 / 3) / 3);
  EXPECT_DOUBLE_EQ(FScore(macro, 2)(target, prediction), (10.0 / 15 + 5.0 / 14 + 5.0 / 6) / 3);
  for (const double figure :
       {Precision(micro)(target, prediction), Recall(micro)(target, prediction), FScore(micro)(target, prediction)})
    EXPECT_DOUBLE_EQ(figure, 4.0 / 7);
  const Tensor bits = classes({1, 1, 0, 0, 1}), chances = tensor({0.9, 0.4, 0.6, 0.1, 0.8});
  EXPECT_DOUBLE_EQ(Precision()(bits, chances), 2.0 / 3);
  EXPECT_DOUBLE_EQ(Recall()(bits, chances), 2.0 / 3);
  EXPECT_DOUBLE_EQ(Recall({.threshold = 0.3})(bits, chances), 1);
  EXPECT_EQ(Precision()(classes({0, 0}), classes({0, 0})), 0);  // nothing seen: 0 / 0
  expect_error<UsageError>([] { Precision({.classes = 3}); },
                           "metrics: 3 classes with Average::binary (want 2, or micro or macro)");
  expect_error<UsageError>([&] { Precision()(bits, full({5}, NAN)); }, "Precision: prediction 0 is NaN");
}

TEST(Auc, IsTheShareOfPairsInOrder) {
  EXPECT_EQ(AUC()(tensor({0, 0, 1, 1}), tensor({0.1, 0.4, 0.35, 0.8})), 0.75);
  EXPECT_EQ(AUC()(tensor({0, 1, 0, 1}), tensor({1, 1, 1, 1})), 0.5);
  EXPECT_EQ(AUC()(tensor({0, 1}), tensor({-INFINITY, INFINITY})), 1);
  EXPECT_TRUE(std::isnan(AUC()(tensor({1, 1}), tensor({0, 1}))));
  // Against every pair, one by one.
  manual_seed(3);
  const Tensor target = randint(0, 2, {60}), scores = round(randn({60}) * 3);
  const auto t = target.to_vector<int>();
  const auto s = scores.to_vector<double>();
  double in_order = 0, pairs = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    for (std::size_t j = 0; j < 60; ++j) {
      if (t[i] != 1 || t[j] != 0) continue;
      in_order += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
      ++pairs;
    }
  }
  EXPECT_DOUBLE_EQ(AUC()(target, scores), in_order / pairs);
  expect_error<UsageError>([] { AUC()(tensor({1}), tensor({NAN})); }, "AUC: prediction 0 is NaN");
}

TEST(RegressionMetrics, FollowTheirFormulas) {
  const Tensor y = tensor({1, 2, 3, 4}), p = tensor({1, 3, 3, 2});
  EXPECT_EQ(MeanSquaredError()(y, p), 1.25);
  EXPECT_DOUBLE_EQ(RootMeanSquaredError()(y, p), std::sqrt(1.25));
  EXPECT_EQ(MeanAbsoluteError()(y, p), 0.75);
  EXPECT_DOUBLE_EQ(R2Score()(y, p), 1 - 5.0 / 5);
  EXPECT_EQ(R2Score()(y, y), 1);
  EXPECT_EQ(R2Score()(ones({3}), ones({3})), 1);
  EXPECT_EQ(R2Score()(ones({3}), zeros({3})), 0);
  // A large offset costs no digits.
  EXPECT_NEAR(R2Score()(tensor({1, 2, 3, 4}, f64) + 1e9, tensor({1, 3, 3, 2}, f64) + 1e9), 0, 1e-12);
  expect_error<ShapeError>([&] { MeanSquaredError()(y, zeros({3})); },
                           "MeanSquaredError: target is [4], prediction is [3] (want the same shape, samples first)");
}

TEST(LossMetric, CountsAMeanByItsBatch) {
  LossMetric metric("mse", [](const Tensor& p, const Tensor& t) { return mse_loss(p, t); });
  metric.update(zeros({3}), ones({3}));
  EXPECT_EQ(metric(zeros({1}), full({1}, 3)), 3);
  expect_error<UsageError>([&] { metric.update(zeros({2}), zeros({2}), ones({2})); },
                           "mse: the loss gives one value for the batch (want reduction none with sample weights)");
  const Tensor p = ones({2}).requires_grad_();
  metric.update(zeros({2}), p);
  EXPECT_FALSE(p.grad().defined());
}

}  // namespace
}  // namespace dagrad::metrics
