// What users do around captured steps that a replay has to see, or to refuse.
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <utility>

#include "dagrad/core/backward.h"
#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Values = std::vector<float>;

/// The sum of the results of `calls` calls, each with what `before` does before it.
template <class F>
Values results_of(F& f, int calls, const std::function<void(int)>& before) {
  Values all;
  Generator numbers(5);
  for (int i = 0; i < calls; ++i) {
    before(i);
    const Values values = f(randn({4}, f32, numbers)).template to_vector<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(CapturedHazards, SeedsThatAreSetBetweenCallsCount) {
  const auto f = [](const Tensor& x) { return dropout(x, 0.5) + randn({4}); };
  const auto seed_at_7 = [](int i) {
    if (i == 7) manual_seed(11);
  };
  manual_seed(1);
  const Values wanted = results_of(f, 12, seed_at_7);
  manual_seed(1);
  CapturedStep step(f);
  EXPECT_EQ(results_of(step, 12, seed_at_7), wanted);
}

TEST(CapturedHazards, SeedsThatAreSetBeforeTheFirstCallsFreezeNothing) {
  const auto f = [](const Tensor& x) { return dropout(x, 0.5); };
  const auto seed_until_5 = [](int i) {
    if (i < 5) manual_seed(11);
  };
  manual_seed(1);
  const Values wanted = results_of(f, 12, seed_until_5);
  manual_seed(1);
  CapturedStep step(f);
  EXPECT_EQ(results_of(step, 12, seed_until_5), wanted);
}

TEST(CapturedHazards, AnotherThreadDrawsFromItsOwnGenerator) {
  const auto f = [](const Tensor& x) { return dropout(x, 0.5); };
  CapturedStep step(f);
  std::thread([&] {
    for (int i = 0; i < 5; ++i) step(ones({4}));
  }).join();
  manual_seed(3);
  const Values wanted = results_of(f, 6, [](int) {});
  manual_seed(3);
  EXPECT_EQ(results_of(step, 6, [](int) {}), wanted);
}

/// Gradients after each of some calls without a clearing in the step, with what `before` does to them between.
void expect_gradients_like_eager(const std::function<void(int, const Tensor&)>& before) {
  const auto run = [&](bool captured) {
    const Tensor w = ones({4}).requires_grad_();
    const auto f = [&](const Tensor& x) {
      sum(w * x).backward();
      sum(w * x * 2).backward();
      return x;
    };
    CapturedStep step(f);
    const auto gradient = [&](const Tensor& x) {
      captured ? step(x) : f(x);
      return w.grad().detach();
    };
    const Values all = results_of(gradient, 14, [&](int i) { before(i, w); });
    EXPECT_EQ(captured ? step.variants()[0].replays : 11u, 11u);
    return all;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(CapturedHazards, GradientsAddUpOverMicroSteps) {
  for (const int every : {1, 2, 3, 4, 20}) {
    expect_gradients_like_eager([every](int i, const Tensor& w) {
      if (i % every == 0) w.zero_grad();
    });
  }
}

TEST(CapturedHazards, GradientsAddUpWhereTheirClearingBeginsAndEnds) {
  expect_gradients_like_eager([](int i, const Tensor& w) {
    if (i < 6) w.zero_grad();
  });
  expect_gradients_like_eager([](int i, const Tensor& w) {
    if (i > 6) w.zero_grad(i % 2 == 0);
  });
}

TEST(CapturedHazards, TrainingAndEvaluationAreStepsOfTheirOwn) {
  const auto run = [](bool captured) {
    manual_seed(1);
    nn::Sequential model(nn::Linear(2, 4), nn::BatchNorm1d(4), nn::Dropout(0.5));
    const auto f = [&](const Tensor& x) { return model(reshape(x, {2, 2})); };
    CapturedStep step(f);
    const auto modes = [&](int i) { model.train(i / 6 % 2 == 0); };
    const Values results = captured ? results_of(step, 24, modes) : results_of(f, 24, modes);
    EXPECT_EQ(step.variants().size(), captured ? 2u : 0u);
    return results;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(CapturedHazards, InputsThatTheStepChangesAreRefused) {
  CapturedStep step([](const Tensor& x) {
    Tensor same = x;
    same.copy_(x + 1);
    return x * 1;
  });
  step(ones({2}));
  expect_error_with<UsageError>([&] { step(ones({2})); }, "captured step: input 0 was changed in place");
}

TEST(CapturedHazards, ResultsOfTheFirstCallsAreCopiesToo) {
  const Tensor w = zeros({2});
  CapturedStep step([&](const Tensor& x) { return std::vector{x, w}; });
  std::vector<std::vector<Tensor>> kept;
  for (int i = 0; i < 6; ++i) {
    Tensor same = w;
    same.fill_(i);
    kept.push_back(step(full({2}, i)));
  }
  for (int i = 0; i < 6; ++i) {
    for (const Tensor& t : kept[static_cast<std::size_t>(i)]) EXPECT_EQ(t.to_vector<int>(), (std::vector{i, i}));
  }
}

TEST(CapturedHazards, PartsOfResultsThatAreFilledStayParts) {
  const auto f = [](const Tensor& x) {
    Tensor doubled = x * 2;
    narrow(doubled, 0, 0, 1).fill_(7);
    return doubled * 1;
  };
  CapturedStep step(f);
  for (int i = 0; i < 6; ++i) {
    const Tensor x = full({3}, i < 4 ? 1 : i);
    EXPECT_EQ(step(x).to_vector<int>(), f(x).to_vector<int>());
  }
}

TEST(CapturedHazards, PartsOfResultsWrittenByHandAreRefused) {
  CapturedStep step([](const Tensor& x) {
    Tensor doubled = x * 2;
    doubled.mutable_data<float>()[0] = 7;
    return doubled * 1;
  });
  step(ones({2}));
  expect_error_with<UsageError>([&] { step(ones({2})); }, "mutable_data");
}

TEST(CapturedHazards, TensorsThatTheFunctionKeepsAreRefused) {
  Tensor kept;
  CapturedStep step([&](const Tensor& x) {
    kept = x * 2;
    return x * 3;
  });
  step(ones({2}));
  expect_error_with<UsageError>([&] { step(ones({2})); },
                                "captured step: the function keeps the result of 'mul_number 2' f32 [2] at ");
}

TEST(CapturedHazards, SwitchesOfRequiresGradInTheStepAreRefused) {
  nn::Linear d(4, 4), g(4, 4);
  optim::SGD of_d(d.parameters(), {.lr = 0.1}), of_g(g.parameters(), {.lr = 0.1});
  CapturedStep step([&](const Tensor& x) {
    of_d.zero_grad();
    sum(square(d(g(x).detach()))).backward();
    of_d.step();
    d.requires_grad_(false);
    of_g.zero_grad();
    const Tensor loss = sum(square(d(g(x))));
    loss.backward();
    of_g.step();
    d.requires_grad_(true);
    return loss;
  });
  expect_error_with<UsageError>(
      [&] {
        for (int i = 0; i < 5; ++i) step(ones({1, 4}));
      },
      "requires_grad_");
}

TEST(CapturedHazards, WhatAnotherThreadDoesToItsModelMeanwhileIsNoSwitchInTheStep) {
  nn::Linear model(4, 4);
  CapturedStep step([&](const Tensor& x) {
    std::thread([] {
      nn::Linear other(2, 2);
      other.requires_grad_(false);
      other.to(f64);
    }).join();
    return model(x);
  });
  const Tensor x = ones({1, 4}), want = model(x).detach();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(step(x).to_vector<float>(), want.to_vector<float>());
}

TEST(CapturedHazards, TwoOptimizersTrainAdversaries) {
  struct Pair {
    nn::Linear d{4, 4}, g{4, 4};
    optim::Adam of_d{d.parameters(), {.lr = 0.1}}, of_g{g.parameters(), {.lr = 0.1}};
    Tensor operator()(const Tensor& v) {
      const Tensor x = reshape(v, {1, 4});
      of_d.zero_grad();
      sum(square(d(g(x).detach()))).backward();
      of_d.step();
      of_g.zero_grad();
      const Tensor loss = sum(square(d(g(x)) - 1));
      loss.backward();
      of_g.step();
      return loss;
    }
  };
  manual_seed(1);
  Pair eager;
  manual_seed(1);
  Pair same;
  CapturedStep step([&](const Tensor& x) { return same(x); });
  EXPECT_EQ(results_of(step, 12, [](int) {}), results_of(eager, 12, [](int) {}));
}

TEST(CapturedHazards, ParametersThatAreThawedBetweenCallsLearn) {
  const auto run = [](bool captured) {
    manual_seed(1);
    nn::Sequential model(nn::Linear(4, 4), nn::Linear(4, 4));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const auto f = [&](const Tensor& v) {
      optimizer.zero_grad();
      const Tensor loss = sum(square(model(reshape(v, {1, 4}))));
      loss.backward();
      optimizer.step();
      return loss;
    };
    CapturedStep step(f);
    const auto freeze = [&](int i) {
      if (i % 6 == 0) model[0].requires_grad_(i % 12 != 0);
    };
    return captured ? results_of(step, 30, freeze) : results_of(f, 30, freeze);
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(CapturedHazards, ModelsThatChangeTheirTypeBetweenCallsAreSeen) {
  nn::Linear model(4, 4);
  const auto f = [&](const Tensor& x) { return to(model(to(x, model.weight.dtype())), f32); };
  const auto types = [&](int i) {
    if (i == 6) model.to(f64);
    if (i == 8) model.weight.copy_(model.weight * 2);
  };
  CapturedStep step(f);
  nn::Linear other(4, 4);
  results_of(step, 8, types);
  const Tensor x = randn({4});
  EXPECT_EQ(step(x).to_vector<float>(), f(x).to_vector<float>());
}

TEST(CapturedHazards, TensorsThatAreReplacedBetweenCallsAreSeen) {
  Tensor w = ones({4});
  const auto f = [&](const Tensor& x) { return x * w; };
  CapturedStep step(f);
  for (int i = 0; i < 6; ++i) step(ones({4}));
  w = full({4}, 2);
  EXPECT_EQ(step(ones({4})).to_vector<int>(), std::vector(4, 2));
}

TEST(CapturedHazards, GoesOnAfterAReplayThrew) {
  const auto run = [](bool captured) {
    nn::Linear model(4, 4);
    for (Tensor p : model.parameters()) p.detach().fill_(0.5);
    optim::Adam optimizer(model.parameters(), {.lr = 0.1});
    bool fail = false;
    const auto f = [&](const Tensor& v) {
      optimizer.zero_grad();
      const Tensor loss = sum(square(model(reshape(v, {1, 4}))));
      loss.backward();
      each_replay("fail", [&] {
        if (fail) throw UsageError("not now");
      });
      optimizer.step();
      return loss;
    };
    CapturedStep step(f);
    const auto once = [&](const Tensor& x) {
      try {
        return captured ? step(x) : f(x).detach();
      } catch (const UsageError&) {
        return full({1}, -1);
      }
    };
    return results_of(once, 16, [&](int i) { fail = i % 4 == 3; });
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(CapturedHazards, EffectsThatHoldTensorsOfTheStepAreRefused) {
  double total = 0;
  CapturedStep step([&](const Tensor& x) {
    const Tensor doubled = x * 2;
    each_replay("log", [&total, doubled] { total += doubled.to_vector<double>()[0]; });
    return x * 1;
  });
  step(ones({2}));
  expect_error_with<UsageError>([&] { step(ones({2})); },
                                "captured step: the function keeps the result of 'mul_number");
}

TEST(CapturedHazards, StepsThatShareAModelGoOnFromEachOther) {
  const auto run = [](bool captured) {
    nn::Linear model(4, 4);
    for (Tensor p : model.parameters()) p.detach().fill_(0.5);
    optim::Adam optimizer(model.parameters(), {.lr = 0.1});
    const auto gradients = [&](const Tensor& v) {
      const Tensor loss = sum(square(model(reshape(v, {1, 4}))));
      loss.backward();
      return loss;
    };
    const auto update = [&](const Tensor& v) {
      optimizer.step();
      optimizer.zero_grad();
      return v;
    };
    CapturedStep first(gradients);
    CapturedStep second(update);
    int calls = 0;
    const auto both = [&](const Tensor& x) {
      const Tensor loss = captured ? first(x) : gradients(x).detach();
      if (++calls % 3 == 0) captured ? second(x) : update(x);
      return loss;
    };
    return results_of(both, 30, [](int) {});
  };
  EXPECT_EQ(run(true), run(false));
}

}  // namespace
}  // namespace dagrad
