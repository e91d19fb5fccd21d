#include "dagrad/core/capture/captured_step.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <utility>

#include "dagrad/core/allocator.h"
#include "dagrad/core/autocast.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
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
  run(training, step, 20);  // until both variants are replayed
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

/// Calls the step until it is replayed, and three times more.
template <class Step>
void call_often(Step& step, const Shape& shape = {4}) {
  for (int i = 0; i < 6; ++i) step(randn(shape));
}

TEST(CapturedStep, GivesCopiesThatLaterCallsLeaveAlone) {
  CapturedStep step([](const Tensor& x) { return x * 2; });
  std::vector<Tensor> kept;
  for (int i = 0; i < 6; ++i) kept.push_back(step(full({2}, i)));
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(kept[static_cast<std::size_t>(i)].to_vector<int>(), (std::vector{2 * i, 2 * i}));
}

TEST(CapturedStep, GivesBackInputsParametersAndLists) {
  const Tensor w = tensor({3, 4});
  CapturedStep step([&](const Tensor& x) { return std::vector{x, w, x + w, Tensor()}; });
  for (int i = 0; i < 5; ++i) {
    const std::vector<Tensor> got = step(full({2}, i));
    EXPECT_EQ(got[0].to_vector<int>(), (std::vector{i, i}));
    EXPECT_EQ(got[1].to_vector<int>(), (std::vector{3, 4}));
    EXPECT_EQ(got[2].to_vector<int>(), (std::vector{3 + i, 4 + i}));
    EXPECT_FALSE(got[3].defined());
  }
}

TEST(CapturedStep, SeesWhatIsCopiedIntoTensorsThatItReads) {
  Tensor rate = tensor({1});
  CapturedStep step([&](const Tensor& x) { return x * rate; });
  call_often(step);
  rate.copy_(tensor({5}));
  EXPECT_EQ(step(full({4}, 2)).to_vector<int>(), std::vector(4, 10));
}

TEST(CapturedStep, WritesConstantsOfTheFunctionOnce) {
  CapturedStep step([](const Tensor& x) { return x + tensor(std::vector<float>{1, 2, 3, 4}, {4}); });
  call_often(step);
  EXPECT_EQ(step(zeros({4})).to_vector<int>(), (std::vector{1, 2, 3, 4}));
  EXPECT_EQ(step.variants()[0].instructions, 1u) << step.str();
}

TEST(CapturedStep, WritesConstantsAnewThatAreGradients) {
  const Tensor w = ones({2}).requires_grad_();
  CapturedStep step([&](const Tensor& x) {
    Tensor gradient = empty({2});
    std::fill_n(gradient.mutable_data<float>(), 2, 3.0f);
    w.set_grad(gradient);
    return x * 2;
  });
  for (int i = 0; i < 6; ++i) {
    step(ones({2}));
    EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{3, 3}));
    w.grad().zero_();  // as clipping might
  }
}

TEST(CapturedStep, DoesEffectsInEachReplay) {
  int count = 0;
  CapturedStep step([&](const Tensor& x) {
    const int seen = each_replay("count", [&] { return ++count; });
    EXPECT_GT(seen, 0);
    return x + 1;
  });
  call_often(step);
  EXPECT_EQ(count, 6);
}

TEST(CapturedStep, LeavesGradientsWhereTheFunctionDoes) {
  const Tensor w = tensor({1, 2}).requires_grad_();
  CapturedStep step([&](const Tensor& x) {
    w.zero_grad();
    const Tensor loss = sum(w * x);
    loss.backward();
    return loss;
  });
  for (int i = 0; i < 6; ++i) {
    step(full({2}, i));
    EXPECT_EQ(w.grad().to_vector<int>(), (std::vector{i, i}));
  }
}

TEST(CapturedStep, AddsToGradientsThatAreFilledWithZeros) {
  const Tensor w = tensor({1, 2}).requires_grad_();
  CapturedStep step([&](const Tensor& x) {
    sum(w * x).backward();
    return x;
  });
  int total = 0;
  for (int i = 0; i < 7; ++i) {
    step(full({2}, i));
    total += i;
    EXPECT_EQ(w.grad().to_vector<int>(), (std::vector{total, total}));
  }
}

TEST(CapturedStep, IsOverWhatItsMemoryOutlives) {
  const Tensor w = tensor({1, 2}).requires_grad_();
  {
    CapturedStep step([&](const Tensor& x) {
      w.zero_grad();
      sum(w * x).backward();
      return x;
    });
    call_often(step, {2});
    step(full({2}, 7));
  }
  EXPECT_EQ(w.grad().to_vector<int>(), (std::vector{7, 7}));
}

TEST(CapturedStep, RunsTheFunctionAsItStandsBeyondItsVariants) {
  int calls = 0;
  CapturedStep step(
      [&](const Tensor& x) {
        ++calls;
        return x + 1;
      },
      1);
  call_often(step);
  EXPECT_EQ(calls, 3);
  call_often(step, {5});
  EXPECT_EQ(calls, 9);
  EXPECT_EQ(step.variants().size(), 1u);
  step.reset();
  EXPECT_TRUE(step.variants().empty());
  call_often(step, {5});
  EXPECT_EQ(calls, 12);
}

TEST(CapturedStep, RunsTheFunctionWhereOpsAreWatched) {
  int calls = 0;
  CapturedStep step([&](const Tensor& x) {
    ++calls;
    return log(x);
  });
  for (int i = 0; i < 4; ++i) step(ones({2}));
  EXPECT_EQ(calls, 3);
  const AnomalyMode anomaly;
  EXPECT_THROW(step(full({2}, -1)), GradientError);
  EXPECT_EQ(calls, 4);
}

TEST(CapturedStep, SharesMemoryBetweenBlocksThatNeverMeet) {
  const nn::Sequential deep = [] {
    nn::Sequential net;
    for (int i = 0; i < 20; ++i) net.add(nn::Linear(64, 64));
    return net;
  }();
  CapturedStep step([model = std::make_shared<nn::Sequential>(deep)](const Tensor& x) {
    const NoGrad guard;
    return (*model)(x);
  });
  call_often(step, {64, 64});
  const auto variant = step.variants()[0];
  EXPECT_LE(variant.planned_bytes, variant.least_bytes * 5 / 4);
  EXPECT_LE(variant.least_bytes, 3u * 64 * 64 * 4);  // a layer's source and result, and the result of the whole
}

TEST(CapturedStep, LooksAtLabelsAndIndicesInEachReplay) {
  CapturedStep step([](const Tensor& y) { return cross_entropy(ones({2, 3}), y); });
  for (int i = 0; i < 5; ++i) step(randint(0, 3, {2}));
  expect_error<UsageError>([&] { step(full({2}, 3, i64)); }, "cross_entropy: label 3 at index 0 (want 0 to 2)");

  CapturedStep select([](const Tensor& i) { return index_select(ones({3}), 0, i); });
  for (int i = 0; i < 5; ++i) select(randint(0, 3, {2}));
  expect_error<UsageError>([&] { select(full({2}, 4, i64)); },
                           "index_select: index out of range: 4 at position 0 (want 0 to 2 for axis 0 of [3])");
  EXPECT_EQ(select(full({2}, 1, i64)).to_vector<int>(), (std::vector{1, 1}));  // and goes on
}

TEST(CapturedStep, TakesGeneratorsThatTheFunctionMakesAsConstant) {
  CapturedStep step([](const Tensor& x) {
    Generator same(5);
    return x * 0 + randn({4}, f32, same) + dropout(ones({4}), 0.5, same);
  });
  const auto wanted = step(zeros({4})).to_vector<float>();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(step(zeros({4})).to_vector<float>(), wanted);
}

// --- what cannot be replayed ---

template <class F>
void expect_refusal(F function, const std::string& part) {
  CapturedStep step(std::move(function));
  expect_error_with<UsageError>([&] { call_often(step); }, part);
}

TEST(CapturedStep, RefusesElementsThatAreRead) {
  expect_refusal([](const Tensor& x) { return x * sum(x).item<double>(); },
                 "captured step: item: the elements of a tensor are read (want the tensor returned");
}

TEST(CapturedStep, RefusesNumbersDrawnOutsideOfOps) {
  expect_refusal([](const Tensor& x) { return x * default_generator().next_uniform(); },
                 "captured step: a random number was drawn outside of ops");
}

TEST(CapturedStep, RefusesNumbersThatChange) {
  expect_refusal(
      [n = std::make_shared<double>(1)](const Tensor& x) { return x * (*n *= 0.5); },
      "captured step: the function does not do the same each time: step 0 is 'mul_number 0.125' f32 [4] at ");
}

TEST(CapturedStep, RefusesConstantsThatChange) {
  expect_refusal([n = std::make_shared<double>(1)](const Tensor& x) { return x + tensor({*n *= 0.5}); },
                 "step 0 is a tensor that no op computed f64 [1]: its elements were others");
}

TEST(CapturedStep, RefusesChangesThatNoOpMakes) {
  Tensor w = ones({4});
  expect_refusal(
      [&w](const Tensor& x) {
        const Tensor result = x + w;
        w.mutable_data<float>()[0] += 1;
        return result;
      },
      "captured step: a tensor from before it was changed in place by a write through mutable_data()");
}

TEST(CapturedStep, RefusesGradientsFromBefore) {
  const Tensor w = ones({4}).requires_grad_();
  const auto step = [&](const Tensor& x) {
    Tensor direction = x;
    if (w.grad().defined()) direction = x + w.grad();
    w.zero_grad();
    sum(w * direction).backward();
    return direction;
  };
  expect_refusal(step, "captured step: it reads a tensor from before it that nobody holds any more");
}

TEST(CapturedStep, RefusesShapesThatDependOnValues) {
  expect_refusal([](const Tensor& x) { return nonzero(gt(x, 0)); }, "captured step: ");
}

TEST(CapturedStep, RefusesInputsThatRequireGradients) {
  CapturedStep step([](const Tensor& x) { return x; });
  expect_error<UsageError>(
      [&] { step(ones({2}).requires_grad_()); },
      "captured step: input 0, f32 [2], requires a gradient (want requires_grad_() on its detach() in the step)");
  expect_error<UsageError>([&] { step(Tensor()); }, "captured step: input 0 is undefined");
}

TEST(CapturedStep, RefusesToRunWithinAnother) {
  auto inner = std::make_shared<CapturedStep<Tensor (*)(const Tensor&)>>(+[](const Tensor& x) { return x + 1; });
  expect_refusal([inner](const Tensor& x) { return (*inner)(x); }, "captured step: called within another one");
}

TEST(CapturedStep, RefusesFunctionsThatCallItThemselvesOnceItCaptures) {
  std::function<Tensor(const Tensor&)> again;
  CapturedStep step([&](const Tensor& x) { return x.size(0) > 1 ? again(x) : x * 2; });
  again = [&](const Tensor& x) { return step(slice(x, 0, 1, x.size(0))) + 1; };
  EXPECT_EQ(step(ones({6})).item<float>(), 7);  // five times 1 to twice 1, through six variants
  EXPECT_EQ(step.variants().size(), 6U);
  expect_error<CaptureError>([&] { step(ones({6})); },
                             "captured step: called within another one (want one around both)");
}

TEST(CapturedStep, RefusesOptimizersThatCallTheFunctionAsTheyLike) {
  const Tensor w = ones({4}).requires_grad_();
  optim::LBFGS optimizer({w});
  expect_refusal(
      [&](const Tensor& x) {
        return optimizer.step([&] {
          optimizer.zero_grad();
          Tensor loss = sum(square(w - x));
          loss.backward();
          return loss;
        });
      },
      "captured step: LBFGS calls the function as often as it sees fit");
}

TEST(CapturedStep, GoesOnAfterTheFunctionThrew) {
  bool fail = false;
  CapturedStep step([&](const Tensor& x) {
    if (fail) throw UsageError("not now");
    return x + 1;
  });
  step(ones({2}));
  fail = true;
  for (int i = 0; i < 3; ++i) expect_error<UsageError>([&] { step(ones({2})); }, "not now");
  fail = false;
  call_often(step, {2});
  EXPECT_GT(step.variants()[0].replays, 0u);
}

}  // namespace
}  // namespace dagrad
