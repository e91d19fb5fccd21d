// What all optimizers share: which parameters they change, what they refuse, groups, options by name, states.
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

TEST(Adam, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto run = [](int threads) {
    const ThreadLimit limit(threads);
    Generator generator(1);
    Tensor p = randn({100'003}, f32, generator).requires_grad_();
    Adam optimizer({p});
    for (int i = 0; i < 3; ++i) {
      p.set_grad(randn({100'003}, f32, generator));
      optimizer.step();
    }
    return p.to_vector<float>();
  };
  EXPECT_EQ(run(1), run(2));
}

TEST(Optimizer, LeavesParametersWithoutAGradientAlone) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  SGD optimizer({a, b}, {.lr = 1});
  sum(a * 3).backward();
  optimizer.step();
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{-2, -2}));
  EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(Optimizer, ClearsGradients) {
  const Tensor a = ones({2}).requires_grad_();
  SGD optimizer({a});
  sum(a).backward();
  optimizer.zero_grad(false);
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{0, 0}));
  optimizer.zero_grad();
  EXPECT_FALSE(a.grad().defined());
}

TEST(Optimizer, RefusesWhatCannotBeMeant) {
  const Tensor p = ones({2}).requires_grad_(), constant = ones({2});
  expect_error<UsageError>([&] { SGD({p}, {.lr = -1}); }, "SGD: lr is -1 (want a finite number >= 0)");
  expect_error<UsageError>([&] { SGD({p}, {.nesterov = true}); },
                           "SGD: nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
  expect_error<UsageError>([&] { Adam({p}, {.betas = {0.9, 1.0}}); }, "Adam: betas.second is 1 (want 0 <= beta < 1)");
  expect_error<UsageError>(
      [&] {
        Adam({p, p});
      },
      "Adam: parameter 1 of shape [2] is parameter 0 again (want each once)");
  expect_error<UsageError>([&] { Adam({constant}); },
                           "Adam: parameter 0 of shape [2] requires no gradient (want requires_grad_())");
  expect_error<UsageError>([&] { Adam({p * 2}); },
                           "Adam: parameter 0 of shape [2] is the result of an op (want a leaf)");
  expect_error<UsageError>([&] { Adam(std::vector<Tensor>{}); }, "Adam: no parameters (want at least one)");
}

}  // namespace
}  // namespace dagrad::optim
