// The training loop does what a loop by hand would.
#include "dagrad/nn/training/trainer.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/metrics.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "nn/training/small_run.h"

namespace dagrad::nn {
namespace {

/// A small net with its optimizer and data.
struct Setting {
  Setting() : net(seeded()), adam(net.parameters(), {.lr = 0.02}), loader(data::spirals(75), {.batch_size = 16}) {}
  static Sequential seeded() {
    manual_seed(1);
    return Sequential(Linear(2, 8), Tanh(), Dropout(0.2), Linear(8, 2));
  }
  std::vector<float> weights() const {
    std::vector<float> all;
    for (const Tensor& p : net.parameters()) {
      const auto own = p.to_vector<float>();
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }
  Sequential net;
  optim::Adam adam;
  data::DataLoader loader;
};

std::vector<float> weights_after_fit(const TrainerOptions& options) {
  Setting setting;
  Trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader, options).fit();
  return setting.weights();
}

/// Two epochs by hand; `change_gradients` comes before each step, `loss` may add to the loss.
std::vector<float> weights_after_loop(
    const std::function<void(Setting&)>& step = [](Setting& s) { s.adam.step(); },
    const std::function<Tensor(Setting&, const Tensor&)>& loss = [](Setting&,
                                                                    const Tensor& of_batch) { return of_batch; }) {
  Setting setting;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const data::Batch& batch : setting.loader) {
      setting.adam.zero_grad();
      loss(setting, cross_entropy(setting.net(batch.features), batch.labels)).backward();
      step(setting);
    }
  }
  return setting.weights();
}

TEST(Trainer, DoesWhatAPlainLoopDoes) { EXPECT_EQ(weights_after_fit({.epochs = 2}), weights_after_loop()); }

TEST(Trainer, ClipsGradientsInEachWay) {
  const auto plain = weights_after_loop();
  const auto by_value = weights_after_loop([](Setting& s) {
    optim::clip_grad_value_(s.net.parameters(), 0.01);
    s.adam.step();
  });
  const auto by_norm = weights_after_loop([](Setting& s) {
    optim::clip_each_grad_norm_(s.net.parameters(), 0.02);
    s.adam.step();
  });
  const auto by_global_norm = weights_after_loop([](Setting& s) { optim::step_with_clipped_norm(s.adam, 0.05); });
  EXPECT_EQ(weights_after_fit({.epochs = 2, .clip = {.value = 0.01}}), by_value);
  EXPECT_EQ(weights_after_fit({.epochs = 2, .clip = {.norm = 0.02}}), by_norm);
  EXPECT_EQ(weights_after_fit({.epochs = 2, .clip = {.global_norm = 0.05}}), by_global_norm);
  EXPECT_TRUE(plain != by_value && plain != by_norm && plain != by_global_norm);
}

TEST(Trainer, AddsPenaltiesToWhatIsDifferentiatedButNotToWhatIsReported) {
  Setting setting;
  const std::vector<PenaltyGroup> groups{{.parameters = {setting.net.parameters()[0]}, .l1 = 0.01, .l2 = 0.1}};
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader, {.epochs = 2, .penalties = groups});
  double first_loss = 0;
  trainer.on_step([&](const StepRecord& record) {
    if (record.total_step == 1) first_loss = record.loss;
  });
  trainer.fit();
  EXPECT_EQ(setting.weights(),
            weights_after_loop([](Setting& s) { s.adam.step(); },
                               [](Setting& s, const Tensor& loss) {
                                 return loss +
                                        penalty({{.parameters = {s.net.parameters()[0]}, .l1 = 0.01, .l2 = 0.1}});
                               }));
  Setting again;
  const data::Batch batch = *again.loader.begin();
  EXPECT_EQ(first_loss, cross_entropy(again.net(batch.features), batch.labels).item<double>());
}

TEST(Trainer, FollowsAScheduleByStepsOrEpochs) {
  const auto by_steps = [] {
    Setting setting;
    optim::LRScheduler scheduler(setting.adam, optim::ExponentialLR{.gamma = 0.8});
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const data::Batch& batch : setting.loader) {
        setting.adam.zero_grad();
        cross_entropy(setting.net(batch.features), batch.labels).backward();
        setting.adam.step();
        scheduler.step();
      }
    }
    return setting.weights();
  };
  EXPECT_EQ(weights_after_fit({.epochs = 2, .schedule = optim::ExponentialLR{.gamma = 0.8}, .schedule_per = Per::step}),
            by_steps());

  Setting setting;
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.epochs = 3, .schedule = optim::StepLR{.gamma = 0.5}});
  const History& history = trainer.fit();
  EXPECT_EQ(history.epochs[0].lr, 0.02);
  EXPECT_EQ(history.epochs[1].lr, 0.01);
  EXPECT_EQ(history.epochs[2].lr, 0.005);
}

TEST(Trainer, RunsAOneCycleScheduleToItsLastStep) {
  Setting setting;
  Trainer trainer(
      setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
      {.epochs = 2, .schedule = optim::OneCycleLR{.max_lr = 0.1, .total_steps = 10}, .schedule_per = Per::step});
  std::vector<double> rates;
  trainer.on_step([&](const StepRecord& record) { rates.push_back(record.lr); });
  trainer.fit();
  ASSERT_EQ(rates.size(), 10u);
  EXPECT_DOUBLE_EQ(rates.front(), 0.1 / 25);
  EXPECT_DOUBLE_EQ(*std::max_element(rates.begin(), rates.end()), 0.1);
  EXPECT_NEAR(rates.back(), 0.1 / 25 / 1e4, 1e-12);
}

TEST(Trainer, LowersTheRateOnAPlateau) {
  Setting setting;
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.epochs = 4, .plateau = optim::PlateauOptions{.factor = 0.5, .patience = 0, .threshold = 0.9}});
  const History& history = trainer.fit();
  EXPECT_EQ(history.epochs[1].lr, 0.02);  // the first value is an improvement, the second is not
  EXPECT_EQ(history.epochs[2].lr, 0.01);
  EXPECT_EQ(history.epochs[3].lr, 0.005);
}

TEST(Trainer, PutsTheBestWeightsBack) {
  Setting setting;
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.epochs = 40,
                   .validation = data::spirals(40, {.noise = 0.3, .seed = 2}),
                   .early_stopping = EarlyStoppingOptions{.patience = 2}});
  std::vector<std::vector<float>> weights;
  trainer.on_epoch([&](const EpochRecord&) { weights.push_back(setting.weights()); });
  const History& history = trainer.fit();
  ASSERT_EQ(history.ending, Ending::early);
  const auto losses = history.validation();
  const auto best = std::min_element(losses.begin(), losses.end()) - losses.begin();
  EXPECT_EQ(history.best_epoch, best + 1);
  EXPECT_EQ(losses.size(), static_cast<std::size_t>(best) + 3);
  EXPECT_EQ(setting.weights(), weights[static_cast<std::size_t>(best)]);
}

TEST(Trainer, EvaluatesTheAverageAndTrainsTheWeights) {
  Setting setting;
  const data::Dataset validation = data::spirals(40, {.seed = 2});
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.epochs = 2, .validation = validation, .average = optim::ExponentialAverageOptions{.decay = 0.5}});
  const History& history = trainer.fit();
  EXPECT_EQ(setting.weights(), weights_after_loop());
  EXPECT_NE(trainer.evaluate(validation).loss, history.epochs.back().validation->loss);
  const optim::Averaged guard(*trainer.average());
  EXPECT_EQ(trainer.evaluate(validation).loss, history.epochs.back().validation->loss);
  expect_error<UsageError>([&] { trainer.evaluate(validation.slice(0, 0)); },
                           "Trainer: there is nothing to evaluate (want samples)");
}

TEST(Trainer, ComputesInBf16UnderAutocastOnF32Weights) {
  const auto weights = weights_after_fit({.epochs = 2, .autocast = true}), plain = weights_after_loop();
  EXPECT_NE(weights, plain);
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(weights[i], plain[i], 0.1);
  Setting setting;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const data::Batch& batch : setting.loader) {
      setting.adam.zero_grad();
      Tensor loss;
      {
        const Autocast cast;
        loss = cross_entropy(setting.net(batch.features), batch.labels);
      }
      loss.backward();
      setting.adam.step();
    }
  }
  EXPECT_EQ(weights, setting.weights());
}

TEST(Trainer, LeavesOutStepsThatTheLossScaleSpoils) {
  for (const GradientClipping clip : {GradientClipping{}, {.value = 0.01}, {.norm = 0.01}, {.global_norm = 0.01}}) {
    Setting setting;
    Trainer trainer(setting.net, setting.adam, MSELoss(), setting.loader,
                    {.forward = [&](const data::Batch& batch) { return setting.net(batch.features) * 100.0; },
                     .clip = clip,
                     .scaler = optim::GradScalerOptions{.init_scale = 0x1p126, .backoff_factor = 0x1p-20}});
    data::Dataset numbers{data::spirals(32).features, ones({32, 2}), 0};
    setting.loader = data::DataLoader(numbers, {.batch_size = 16});
    const auto before = setting.weights();
    std::vector<bool> left_out;
    trainer.on_step([&](const StepRecord& record) {
      if (left_out.empty()) {
        EXPECT_EQ(setting.weights(), before);
      }
      left_out.push_back(record.left_out);
    });
    trainer.fit();
    EXPECT_EQ(left_out, (std::vector<bool>{true, false}));
    EXPECT_NE(setting.weights(), before);
  }
}

TEST(Trainer, NamesEpochAndStepOfALossThatIsNotFinite) {
  Setting setting;
  std::int64_t calls = 0;
  Trainer trainer(setting.net, setting.adam,
                  [&](const Tensor& prediction, const Tensor& target) {
                    const Tensor loss = cross_entropy(prediction, target);
                    return ++calls == 8 ? loss * -std::numeric_limits<double>::quiet_NaN() : loss;
                  },
                  setting.loader, {.epochs = 3});
  std::vector<float> last;
  trainer.on_step([&](const StepRecord&) { last = setting.weights(); });
  expect_error<Error>([&] { trainer.fit(); },
                      "Trainer: the loss is nan in epoch 2, step 3 (try a lower rate, or clipping; the option anomaly "
                      "names the op)");
  EXPECT_EQ(setting.weights(), last);
}

TEST(Trainer, NamesTheParameterWhoseGradientIsNotFinite) {
  Setting setting;
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.forward =
                       [&](const data::Batch& batch) {
                         const Tensor x = setting.net(batch.features);
                         return x + sqrt(x * 0.0);  // 0, with a slope of infinity times 0
                       },
                   .clip = {.global_norm = 1}});
  setting.net.name_parameters();
  const auto before = setting.weights();
  expect_error_with<GradientError>([&] { trainer.fit(); }, "(0.weight)");
  EXPECT_EQ(setting.weights(), before);
}

TEST(Trainer, NamesTheOpInAnomalyMode) {
  Setting setting;
  Trainer trainer(
      setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
      {.forward = [&](const data::Batch& batch) { return log(setting.net(batch.features) - 100.0); }, .anomaly = true});
  expect_error_with<Error>([&] { trainer.fit(); }, "log");
}

TEST(Trainer, IsThePlaceOfALossOfNn) {
  Setting setting;
  TrainerOptions options{.anomaly = true};
  options.forward = [&](const data::Batch& batch) {
    return setting.net(batch.features) * 0.0 + tensor({INFINITY, -INFINITY});
  };
  const Location here = Location::current();
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader, options);
  const std::string place = "'cross_entropy' at " + std::string(here.file) + ":" + std::to_string(here.line + 1);
  expect_error_with<Error>([&] { trainer.fit(); }, place);
}

TEST(Trainer, TakesSoftLabelsFromMixup) {
  SmallRunOptions options;
  options.trainer.train_metrics = {std::make_shared<metrics::CategoricalAccuracy>()};
  options.trainer.epochs = 30;
  SmallRun run(options);
  const History& history = run.trainer.fit();
  EXPECT_LT(history.epochs.back().train.loss, history.epochs.front().train.loss);
  const double accuracy = history.epochs.back().train.at("CategoricalAccuracy");
  EXPECT_TRUE(accuracy > 0.4 && accuracy <= 1) << accuracy;
}

TEST(Trainer, ReportsMeansOverSamplesAndTheMetricsThatWereAskedFor) {
  Setting setting;
  const data::Dataset validation = data::spirals(33, {.seed = 3});
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader,
                  {.validation = validation,
                   .evaluation_batch = 10,
                   .metrics = {std::make_shared<metrics::SparseCategoricalAccuracy>()},
                   .train_metrics = {std::make_shared<metrics::SparseCategoricalAccuracy>()}});
  double sum = 0;
  trainer.on_step([&](const StepRecord& record) { sum += record.loss * static_cast<double>(record.samples); });
  const EpochRecord record = trainer.fit().epochs.front();
  EXPECT_DOUBLE_EQ(record.train.loss, sum / 75);
  EXPECT_EQ(record.samples, 75);
  setting.net.eval();
  const Tensor logits = setting.net(validation.features);
  EXPECT_NEAR(record.validation->loss, cross_entropy(logits, validation.labels).item<double>(), 1e-6);
  metrics::SparseCategoricalAccuracy accuracy;
  EXPECT_EQ(record.validation->at("SparseCategoricalAccuracy"), accuracy(validation.labels, logits));
  EXPECT_GT(record.train.at("SparseCategoricalAccuracy"), 0);
  expect_error_with<UsageError>([&] { static_cast<void>(record.train.at("F1")); }, "there is no 'F1'");
}

TEST(Trainer, LeavesFrozenPartsInEvaluationMode) {
  manual_seed(1);
  Sequential net(Linear(2, 4), BatchNorm1d(4), Linear(4, 2));
  Module& norm = *net.named_modules()[2].second;
  ASSERT_EQ(norm.describe().substr(0, 9), "BatchNorm");
  norm.eval();
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  data::DataLoader loader(data::spirals(32), {.batch_size = 16});
  Trainer trainer(net, sgd, CrossEntropyLoss(), loader, {.validation = data::spirals(8)});
  trainer.fit();
  EXPECT_FALSE(norm.is_training());
  EXPECT_TRUE(net.is_training());
  EXPECT_EQ(net.named_buffers()[0].second.to_vector<float>(), std::vector<float>(4, 0.0f));

  net.eval();
  Trainer(net, sgd, CrossEntropyLoss(), loader).fit();
  EXPECT_TRUE(norm.is_training());
}

TEST(Trainer, FlushesDenormalsWhileItTrains) {
  Setting setting;
  Trainer trainer(setting.net, setting.adam, CrossEntropyLoss(), setting.loader);
  bool flushed = false;
  trainer.on_step([&](const StepRecord&) { flushed = flush_denormals(); });
  trainer.fit();
#ifdef __SSE__
  EXPECT_TRUE(flushed);
#endif
  EXPECT_FALSE(flush_denormals());
}

TEST(Trainer, RefusesOptionsThatCannotBeMeant) {
  Setting s;
  const auto refused = [&](TrainerOptions options, const std::string& part) {
    expect_error_with<UsageError>([&] { Trainer(s.net, s.adam, CrossEntropyLoss(), s.loader, std::move(options)); },
                                  part);
  };
  refused({.epochs = -1}, "Trainer: -1 epochs (want at least 0)");
  refused({.evaluation_batch = 0}, "evaluation_batch is 0 (want at least 1)");
  refused({.clip = {.norm = -1}}, "gradients are clipped at -1");
  refused({.checkpoint = {.every_steps = -2}}, "every -2 steps (want at least 0)");
  refused({.schedule = optim::StepLR{}, .plateau = optim::PlateauOptions{}}, "a schedule and a plateau");
  refused({.plateau = optim::PlateauOptions{}, .monitor = "F1"}, "there is no 'F1'");
  optim::LBFGS lbfgs(s.net.parameters());
  expect_error_with<UsageError>(
      [&] { Trainer(s.net, lbfgs, CrossEntropyLoss(), s.loader, {.scaler = optim::GradScalerOptions{}}); },
      "LBFGS evaluates the loss itself");
  Trainer unreduced(s.net, s.adam, CrossEntropyLoss(Reduction::none), s.loader);
  expect_error<UsageError>([&] { unreduced.fit(); },
                           "Trainer: the loss has shape [16] (want one number, as of Reduction::mean)");
}

TEST(Trainer, ReportsMetricsAndLossOfTheSameEvaluation) {
  Setting s;
  optim::LBFGS lbfgs(s.net.parameters(), {.max_iter = 5, .line_search = optim::LineSearch::strong_wolfe});
  Trainer trainer(s.net, lbfgs, CrossEntropyLoss(), s.loader,
                  {.train_metrics = {std::make_shared<metrics::LossMetric>("same", CrossEntropyLoss())}});
  const Scores& scores = trainer.fit().epochs[0].train;
  EXPECT_NEAR(scores.at("same"), scores.loss, 1e-6 * scores.loss);
}

}  // namespace
}  // namespace dagrad::nn
