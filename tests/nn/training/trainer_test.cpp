// The training loop.
#include "dagrad/nn/training/trainer.h"

#include <gtest/gtest.h>

#include "dagrad/ops/ops.h"
#include "nn/training/small_run.h"

namespace dagrad::nn {
namespace {

TEST(Trainer, DoesWhatAPlainLoopDoes) {
  const data::Dataset spirals = data::spirals(75);
  const auto weights_after = [&](const auto& train) {
    manual_seed(1);
    Sequential net(Linear(2, 8), Tanh(), Dropout(0.2), Linear(8, 2));
    optim::Adam optimizer(net.parameters());
    data::DataLoader loader(spirals, {.batch_size = 16});
    train(net, optimizer, loader);
    return net.parameters().front().to_vector<float>();
  };
  const auto plain = weights_after([](Module& net, optim::Optimizer& optimizer, data::DataLoader& loader) {
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const data::Batch& batch : loader) {
        optimizer.zero_grad();
        cross_entropy(net(batch.features), batch.labels).backward();
        optimizer.step();
      }
    }
  });
  EXPECT_EQ(plain, weights_after([](Module& net, optim::Optimizer& optimizer, data::DataLoader& loader) {
              Trainer(net, optimizer, CrossEntropyLoss(), loader, {.epochs = 2}).fit();
            }));
}

}  // namespace
}  // namespace dagrad::nn
