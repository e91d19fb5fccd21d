// Whole trainings that must arrive, each with a fixed seed and a few seconds long.
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/data.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "mnist_folder.h"
#include "sanitized.h"

namespace dagrad {
namespace {

/// The share of samples that `net` gets right, in evaluation mode.
double accuracy(nn::Module& net, const data::Dataset& test) {
  const NoGrad guard;
  net.eval();
  metrics::SparseCategoricalAccuracy right;
  data::DataLoader loader(test, {.batch_size = 500, .shuffle = false});
  for (const data::Batch& batch : loader) right.update(batch.labels, net(batch.features));
  net.train();
  return right.result();
}

/// Trains by Adam with a rate that rises to `peak` and falls to nothing (one cycle).
void train(nn::Module& net, const data::Dataset& samples, std::int64_t epochs, double peak,
           const data::LoaderOptions& options) {
  data::DataLoader loader(samples, options);
  optim::Adam adam(net.parameters());
  optim::LRScheduler cycle(adam, optim::OneCycleLR{.max_lr = peak, .total_steps = epochs * loader.size() + 1});
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const data::Batch& batch : loader) {
      adam.zero_grad();
      cross_entropy(net(batch.features), batch.labels).backward();
      adam.step();
      cycle.step();
    }
  }
}

/// One thread for a scope: these nets are small, and other tests may run beside them.
class OneThread {
 public:
  OneThread() { set_num_threads(1); }
  ~OneThread() { set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = num_threads();
};

TEST(Convergence, TellsTwoSpiralsApart) {
  manual_seed(1);
  const data::Dataset samples = data::spirals(1000, {.seed = 1}), test = data::spirals(2000, {.seed = 2});
  nn::Sequential net = nn::mlp({2, 48, 48, 2}, {.activation = nn::ActivationKind::tanh});
  train(net, samples, 60, 0.02, {.batch_size = 100, .seed = 1});
  EXPECT_GT(accuracy(net, test), 0.99);
}

TEST(Convergence, ReadsDigitsWithBatchNormAndDropout) {
  if (kSanitized) GTEST_SKIP() << "takes too long with a sanitizer";
  const OneThread guard;
  manual_seed(2);
  const data::Dataset samples = data::digits(8000, 1), test = data::digits(3000, 2);
  nn::Sequential net(nn::Flatten(), nn::mlp({784, 256, 128, 10}, {.norm = nn::NormKind::batch, .dropout = 0.2}));
  train(net, samples, 14, 4e-3, {.batch_size = 100, .seed = 2});
  EXPECT_GT(accuracy(net, test), 0.98);
}

TEST(Convergence, RemembersTheNumbersToAdd) {
  // Of two inputs a step, the first is a number from U[0, 1) and the second marks two steps: one in each half. The
  // target is the sum of the numbers there (Hochreiter and Schmidhuber 1997). Who forgets can do no better than to
  // guess 1, with a mean squared error of 1/6.
  const OneThread one_thread;
  constexpr std::int64_t kSteps = 30, kBatch = 64;
  Generator chance(3);
  const auto draw = [&](std::int64_t count) {
    Tensor x = zeros({count, kSteps, 2}), y = zeros({count, 1});
    float* to = x.mutable_data<float>();
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t t = 0; t < kSteps; ++t) to[(i * kSteps + t) * 2] = static_cast<float>(chance.next_uniform());
      for (const std::int64_t half : {0, 1}) {
        const auto t = half * kSteps / 2 + static_cast<std::int64_t>(chance.next_below(kSteps / 2));
        to[(i * kSteps + t) * 2 + 1] = 1;
        y.mutable_data<float>()[i] += to[(i * kSteps + t) * 2];
      }
    }
    return std::pair(x, y);
  };
  manual_seed(3);
  nn::RecurrentClassifier net(2, 1, {.hidden = 32});
  const int steps = kSanitized ? 5 : 700;
  optim::Adam adam(net.parameters());
  optim::LRScheduler cycle(adam, optim::OneCycleLR{.max_lr = 0.02, .total_steps = steps + 1});
  for (int step = 0; step < steps; ++step) {
    const auto [x, y] = draw(kBatch);
    adam.zero_grad();
    mse_loss(net(x), y).backward();
    optim::clip_grad_norm_(net.parameters(), 1);
    adam.step();
    cycle.step();
  }
  const NoGrad guard;
  const auto [x, y] = draw(1000);
  EXPECT_NEAR(mse_loss(ones({1000, 1}), y).item<double>(), 1.0 / 6, 0.02);
  const double error = mse_loss(net(x), y).item<double>();
  EXPECT_LT(error, kSanitized ? 1.1 : 0.005);  // a net that says 0 begins at 7/6
}

TEST(Convergence, FitsAKnownFunction) {
  // f(a, b) = sin(3 a) + a b, with noise of deviation 0.05 in the training samples.
  const auto f = [](const Tensor& x) {
    const Tensor a = select(x, 1, 0), b = select(x, 1, 1);
    return sin(a * 3) + a * b;
  };
  manual_seed(4);
  const Tensor x = uniform({2000, 2}, -1, 1), test = uniform({2000, 2}, -1, 1);
  const data::Dataset samples{x, f(x) + 0.05 * randn({2000}), 0};
  nn::Sequential net = nn::mlp({2, 32, 32, 1}, {.activation = nn::ActivationKind::silu});
  data::DataLoader loader(samples, {.batch_size = 100, .seed = 4});
  optim::AdamW adam(net.parameters(), {.lr = 0.01});
  optim::LRScheduler schedule(adam, optim::CosineAnnealingLR{.t_max = 40 * loader.size()});
  for (int epoch = 0; epoch < 40; ++epoch) {
    for (const data::Batch& batch : loader) {
      adam.zero_grad();
      mse_loss(squeeze(net(batch.features), 1), batch.labels).backward();
      adam.step();
      schedule.step();
    }
  }
  const NoGrad guard;
  metrics::R2Score score;
  metrics::RootMeanSquaredError error;
  const Tensor fit = squeeze(net(test), 1);
  EXPECT_GT(score(f(test), fit), 0.999);
  EXPECT_LT(error(f(test), fit), 0.02);  // well below the noise that it learned from
}

/// MNIST's t10k split, of which 9,000 images train and 1,000 test. The settings were chosen among those 9,000. On the
/// last 1,000, after training on the others from the seeds 11, 12 and 13: 99.60% in the mean for 8 epochs, 99.37% for 5
/// (which had looked like too few on the test part before that). On the last 3,000, from the seeds 11 and 12: 99.30%
/// with a tenth of the channels dropped, 99.08% without, and less than 99.15% with a hidden layer, half the rate or
/// stronger augmentation. From the seeds 5, 6 and 7 the test part then gave 98.8, 98.8 and 98.7% (98.5, 98.2
/// and 98.6% with all channels).
TEST(Convergence, ReadsMnistWithASmallCnn) {
  const std::filesystem::path folder = mnist_folder();
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no MNIST files in " << folder << " (set DAGRAD_SHARED)";
  if (kSanitized) GTEST_SKIP() << "takes too long with a sanitizer";
  const OneThread guard;
  const data::Split mnist = data::load_mnist(folder);
  manual_seed(5);
  nn::Sequential net =
      nn::cnn({1, 28, 28}, {16, 32}, 10, {.norm = nn::NormKind::batch, .dropout = 0.3, .channel_dropout = 0.1});
  train(net, mnist.train, 8, 0.01,
        {.batch_size = 64, .seed = 5, .transform = data::augment_images({.shift = 0.08, .scale = 0.1, .rotate = 10})});
  const double reached = accuracy(net, mnist.test);
  RecordProperty("accuracy", std::to_string(reached));
  EXPECT_GE(reached, 0.983);
}

}  // namespace
}  // namespace dagrad
