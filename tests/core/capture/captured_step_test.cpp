#include "dagrad/core/capture/captured_step.h"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <utility>

#include "dagrad/core/allocator.h"
#include "dagrad/core/autocast.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Loss = std::function<Tensor(const Tensor& x, const Tensor& y)>;

/// A model, in one piece with the loss, and what trains it. Made twice it is the same twice.
struct Training {
  std::shared_ptr<nn::Module> model;
  Loss loss;
  std::shared_ptr<optim::Optimizer> optimizer;
  Shape input;
  std::int64_t classes = 10;
  std::function<void(Training&)> step = [](Training& t) { t.optimizer->step(); };

  Tensor operator()(const Tensor& x, const Tensor& y) {
    optimizer->zero_grad();
    Tensor result = loss(x, y);
    result.backward();
    step(*this);
    return result;
  }
  std::vector<float> weights() const {
    std::vector<float> all;
    for (const Tensor& p : model->parameters()) {
      const std::vector<float> values = p.to_vector<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    for (const auto& [name, b] : model->named_buffers()) {
      const std::vector<float> values = b.to_vector<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }
};

template <class M>
Training training(M module, const Shape& input) {
  auto model = std::make_shared<M>(std::move(module));
  Training t;
  t.model = model;
  t.loss = [model](const Tensor& x, const Tensor& y) { return cross_entropy((*model)(x), y); };
  t.optimizer = std::make_shared<optim::Adam>(model->parameters(), optim::AdamOptions{.lr = 0.01});
  t.input = input;
  return t;
}

Training mlp() { return training(nn::Sequential(nn::Linear(20, 64), nn::ReLU(), nn::Linear(64, 10)), {32, 20}); }

Training mlp_with_norm_and_dropout() {
  return training(
      nn::Sequential(nn::Linear(20, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Dropout(0.5), nn::Linear(64, 64),
                     nn::LayerNorm({64}), nn::GELU(), nn::AlphaDropout(0.1), nn::Linear(64, 10)),
      {32, 20});
}

Training mlp_in_bf16() {
  Training t = mlp();
  t.loss = [loss = t.loss](const Tensor& x, const Tensor& y) {
    const Autocast mixed;
    return loss(x, y);
  };
  return t;
}

Training mlp_in_bf16_by_hand() {
  Training t = mlp_in_bf16();
  t.step = [](Training& self) {  // weights that no optimizer's pass rounds
    const NoGrad guard;
    for (Tensor p : self.optimizer->parameters()) p.copy_(p - p.grad() * 0.05);
  };
  return t;
}

Training convolutional() {
  return training(
      nn::Sequential(nn::Conv2d({.in = 3, .out = 8, .kernel = 3, .padding = 1}), nn::BatchNorm2d(8), nn::ReLU(),
                     nn::MaxPool2d(2), nn::Dropout2d(0.2), nn::Conv2d({.in = 8, .out = 16, .kernel = 3}), nn::ReLU(),
                     nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(16, 10)),
      {8, 3, 12, 12});
}

Training recurrent() {
  struct Net : nn::Module {
    nn::LSTM lstm{12, 16};
    nn::Linear last{16, 10};
    void parts(nn::Parts& p) override {
      p.module("lstm", lstm);
      p.module("last", last);
    }
    Tensor forward(const Tensor& x) override { return last(select(lstm(x), 0, -1)); }
  };
  return training(Net(), {7, 16, 12});
}

Training clipped() {
  Training t = mlp();
  t.step = [](Training& self) { optim::step_with_clipped_norm(*self.optimizer, 0.1); };
  return t;
}

Training clipped_and_scheduled() {
  Training t = mlp();
  auto schedule = std::make_shared<optim::LRScheduler>(*t.optimizer, optim::StepLR{.step_size = 2, .gamma = 0.5});
  t.step = [schedule](Training& self) {
    optim::clip_grad_norm_(self.optimizer->parameters(), 0.1);
    self.optimizer->step();
    schedule->step();
  };
  return t;
}

Training checkpointed() {
  Training t = mlp_with_norm_and_dropout();
  t.loss = [model = t.model](const Tensor& x, const Tensor& y) {
    return cross_entropy(checkpoint([model](const Tensor& u) { return (*model)(u); }, x), y);
  };
  return t;
}

Training with_noise() {
  Training t = mlp();
  t.loss = [loss = t.loss](const Tensor& x, const Tensor& y) {
    return loss(x + randn(x.shape()) * 0.1 + tensor({0.25}), y);
  };
  return t;
}

Training with_penalty_of_gradients() {
  Training t = mlp();
  t.loss = [loss = t.loss](const Tensor& x, const Tensor& y) {
    const Tensor leaf = x.detach().requires_grad_();
    const Tensor plain = loss(leaf, y);
    return plain + sum(square(grad(plain, leaf, {.create_graph = true})));
  };
  return t;
}

Training keeping_gradients() {
  Training t = mlp();
  t.step = [](Training& self) {
    self.optimizer->step();
    self.optimizer->zero_grad(false);
  };
  return t;
}

struct Net {
  const char* name;
  Training (*make)();
};

class CapturedStepOf : public testing::TestWithParam<Net> {};

/// Losses and, at the end, weights and buffers of steps on batches of two sizes.
template <class Step>
std::pair<std::vector<float>, std::vector<float>> run(Training& training, Step& step, int steps) {
  Generator batches(7);
  std::vector<float> losses;
  for (int i = 0; i < steps; ++i) {
    Shape shape = training.input;
    const int samples = shape.rank() == 3 ? 1 : 0;
    if (i % 5 == 4) shape[samples] /= 2;  // the last batch of an epoch
    const Tensor x = randn(shape, f32, batches), y = randint(0, training.classes, {shape[samples]}, batches);
    losses.push_back(step(x, y).template item<float>());
  }
  return {losses, training.weights()};
}

TEST_P(CapturedStepOf, TrainsAsTheFunctionDoes) {
  manual_seed(3);
  Training eager = GetParam().make();
  const auto wanted = run(eager, eager, 30);
  const std::uint64_t position = default_generator().position();

  manual_seed(3);
  Training captured = GetParam().make();
  CapturedStep step([&](const Tensor& x, const Tensor& y) { return captured(x, y); });
  const auto got = run(captured, step, 30);
  EXPECT_EQ(got.first, wanted.first);
  EXPECT_EQ(got.second, wanted.second);
  EXPECT_EQ(default_generator().position(), position);
  ASSERT_EQ(step.variants().size(), 2u);
  EXPECT_EQ(step.variants()[0].replays, 21u) << step.str();
  EXPECT_EQ(step.variants()[1].replays, 3u);
}

TEST_P(CapturedStepOf, ReplaysWithoutAskingForMemory) {
  Training training = GetParam().make();
  CapturedStep step([&](const Tensor& x, const Tensor& y) { return training(x, y); });
  run(training, step, 9);
  const std::uint64_t before = allocator_statistics().system_allocations;
  run(training, step, 20);
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(Nets, CapturedStepOf,
                         testing::Values(Net{"mlp", mlp}, Net{"mlp_with_norm_and_dropout", mlp_with_norm_and_dropout},
                                         Net{"mlp_in_bf16", mlp_in_bf16},
                                         Net{"mlp_in_bf16_by_hand", mlp_in_bf16_by_hand},
                                         Net{"convolutional", convolutional}, Net{"recurrent", recurrent},
                                         Net{"clipped", clipped}, Net{"clipped_and_scheduled", clipped_and_scheduled},
                                         Net{"checkpointed", checkpointed}, Net{"with_noise", with_noise},
                                         Net{"with_penalty_of_gradients", with_penalty_of_gradients},
                                         Net{"keeping_gradients", keeping_gradients}),
                         [](const auto& net) { return std::string(net.param.name); });

}  // namespace
}  // namespace dagrad
