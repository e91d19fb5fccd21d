// Whole trainings under autocast.
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/autocast.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/digits.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad {
namespace {

/// The share of 4000 digits that a network gets right which was trained on 4000 others.
double accuracy_of_a_training(bool autocast) {
  manual_seed(1);
  nn::Sequential net(nn::Flatten(), nn::mlp({784, 128, 64, 10}));
  optim::Adam optimizer(net.parameters(), {.lr = 1e-3});
  data::DataLoader loader(data::digits(4000, 1), {.batch_size = 64, .seed = 1});
  for (int epoch = 0; epoch < 10; ++epoch) {
    // The last epochs in small steps: what is compared is where the two arrive, not how they get there.
    if (epoch == 7) optimizer.set_lr(1e-4);
    for (const data::Batch& batch : loader) {
      optimizer.zero_grad();
      const Autocast guard(autocast);
      const Tensor logits = net(batch.features);
      EXPECT_EQ(logits.dtype(), autocast ? bf16 : f32);
      const Tensor loss = cross_entropy(logits, batch.labels);
      EXPECT_EQ(loss.dtype(), f32);
      loss.backward();
      optimizer.step();
    }
  }
  for (const Tensor& p : net.parameters()) EXPECT_EQ(p.dtype(), f32);
  const NoGrad guard;
  const Autocast cast(autocast);
  const data::Dataset test = data::digits(4000, 2);
  return mean(to(eq(argmax(net(test.features)), test.labels), f32)).item<double>();
}

TEST(MixedPrecision, LearnsTheDigitsAsWellAsF32) {
  const double exact = accuracy_of_a_training(false), rounded = accuracy_of_a_training(true);
  EXPECT_GT(exact, 0.9);
  EXPECT_LE(std::abs(exact - rounded), 0.005) << "f32 " << exact << ", bf16 " << rounded;
  RecordProperty("f32", std::to_string(exact));
  RecordProperty("bf16", std::to_string(rounded));
}

}  // namespace
}  // namespace dagrad
