// Whole trainings, small enough for a second each.
#include <gtest/gtest.h>
#include <thread>

#include "dagrad/core/allocator.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/digits.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad {
namespace {

/// The losses of two epochs on 640 digits.
std::vector<float> losses_of_a_training(std::uint64_t seed, const data::Dataset& digits) {
  manual_seed(seed);
  nn::Sequential net(nn::Flatten(), nn::mlp({784, 64, 10}, {.dropout = 0.2}));
  optim::Adam optimizer(net.parameters());
  data::DataLoader loader(digits, {.batch_size = 48, .seed = seed});
  std::vector<float> losses;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const data::Batch& batch : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(batch.features), batch.labels);
      loss.backward();
      optimizer.step();
      losses.push_back(loss.item<float>());
    }
  }
  return losses;
}

TEST(Training, LearnsXorExactly) {
  manual_seed(0);
  const Tensor x = tensor({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}), y = tensor({0, 1, 1, 0}, i64);
  nn::Sequential net(nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 2));
  optim::Adam optimizer(net.parameters(), {.lr = 0.05});
  for (int step = 0; step < 300; ++step) {
    optimizer.zero_grad();
    cross_entropy(net(x), y).backward();
    optimizer.step();
  }
  EXPECT_EQ(argmax(net(x), 1).to_vector<std::int64_t>(), y.to_vector<std::int64_t>());
}

TEST(Training, RepeatsToTheLastBit) {
  const data::Dataset digits = data::digits(640, 5);
  const auto first = losses_of_a_training(1, digits);
  EXPECT_EQ(first, losses_of_a_training(1, digits));
  EXPECT_NE(first, losses_of_a_training(2, digits));
  EXPECT_LT(first.back(), 0.9f * first.front());
}

TEST(Training, RepeatsOnAnyNumberOfThreadsInDeterministicMode) {
  const data::Dataset digits = data::digits(640, 5);
  const int threads = num_threads();
  set_deterministic(true);
  std::vector<std::vector<float>> runs;
  for (const int t : {1, 2}) {
    set_num_threads(t);
    runs.push_back(losses_of_a_training(1, digits));
  }
  set_num_threads(threads);
  set_deterministic(false);
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(Training, AsksNothingOfTheSystemAndMakesNoPrimitiveOnceWarm) {
  manual_seed(0);
  const data::Dataset digits = data::digits(480, 6);
  nn::Sequential net(nn::Flatten(), nn::mlp({784, 64, 10}, {.dropout = 0.2}));
  optim::Adam optimizer(net.parameters());
  data::DataLoader loader(digits, {.batch_size = 48});
  const auto epoch = [&] {
    for (const data::Batch& batch : loader) {
      optimizer.zero_grad();
      cross_entropy(net(batch.features), batch.labels).backward();
      optimizer.step();
    }
  };
  epoch();
  const auto system = allocator_statistics().system_allocations;
  const auto primitives = onednn::statistics().primitives_created;
  for (int i = 0; i < 3; ++i) epoch();
  EXPECT_EQ(allocator_statistics().system_allocations, system);
  EXPECT_EQ(onednn::statistics().primitives_created, primitives);
}

TEST(Training, GoesOnInTwoThreadsAtOnce) {
  const data::Dataset digits = data::digits(320, 7);
  const auto alone = losses_of_a_training(3, digits);
  std::vector<float> in_thread;
  std::thread other([&] { in_thread = losses_of_a_training(3, digits); });
  const auto beside = losses_of_a_training(3, digits);
  other.join();
  EXPECT_EQ(beside, alone);
  EXPECT_EQ(in_thread, alone);
}

}  // namespace
}  // namespace dagrad
