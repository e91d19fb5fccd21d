// Options that are set by name or loaded: what one cannot be given at construction is refused later, too.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

Tensor leaf(std::int64_t size) { return ones({size}, f64).requires_grad_(); }

TEST(Options, ThatContradictEachOtherAreRefusedByNameToo) {
  SGD optimizer({leaf(2)}, {.lr = 0.1, .momentum = 0.9, .dampening = 0.5});
  expect_error<UsageError>([&] { optimizer.set_option("nesterov", 1); },
                           "SGD: nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
  EXPECT_EQ(optimizer.option("nesterov"), 0);
  optimizer.set_option("dampening", 0);
  optimizer.set_option("nesterov", 1);
  EXPECT_THROW(optimizer.set_momentum(0, 0), UsageError);
  EXPECT_EQ(optimizer.momentum(), 0.9);
}

TEST(Options, ThatContradictEachOtherAreRefusedFromAState) {
  SGD optimizer({leaf(2)}, {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  State state = optimizer.state();
  state.numbers["group0.momentum"] = 0;
  state.numbers["group0.lr"] = 7;
  EXPECT_THROW(optimizer.load_state(state), UsageError);
  EXPECT_EQ(optimizer.lr(), 0.1);
}

TEST(Options, ThatAreNoNumbersAreRefusedFromAState) {
  Adam optimizer({leaf(2)});
  State state = optimizer.state();
  state.numbers["group0.lr"] = std::nan("");
  expect_error<UsageError>([&] { optimizer.load_state(state); }, "Adam: lr is nan (want a finite number >= 0)");
}

TEST(Options, CountAndSwitchInWholeNumbers) {
  LBFGS optimizer({leaf(2)});
  expect_error<UsageError>([&] { optimizer.set_option("max_iter", 2.5); },
                           "LBFGS: max_iter is 2.5 (want a whole number, at least 1)");
  EXPECT_THROW(optimizer.set_option("max_iter", HUGE_VAL), UsageError);
  expect_error<UsageError>([&] { optimizer.set_option("maximize", 0.5); }, "LBFGS: maximize is 0.5 (want 0 or 1)");
  optimizer.set_option("max_iter", 0x1p63);
  EXPECT_EQ(optimizer.options().max_iter, std::numeric_limits<std::int64_t>::max());
}

TEST(Options, ThatMayBeNoneHaveTheirRangeWhenTheyAreNot) {
  Adafactor optimizer({leaf(2)});
  EXPECT_THROW(optimizer.set_option("eps1", -1), UsageError);
  optimizer.set_option("eps1", 1e-3);
  EXPECT_EQ(optimizer.options().eps1, 1e-3);
  optimizer.set_option("eps1", std::nan(""));
  EXPECT_FALSE(optimizer.options().eps1.has_value());
}

TEST(Options, StayWhatTheyAreWhenTheyAreRead) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  LBFGS optimizer({leaf(2)}, {.history_size = kMost - 1});
  static_cast<void>(optimizer.state());
  EXPECT_EQ(optimizer.options().history_size, kMost - 1);
  expect_error<UsageError>([] { WeightPerturbation({leaf(2)}, {.seed = (std::int64_t{1} << 53) + 1}); },
                           "WeightPerturbation: seed is 9007199254740992 (want within +-2^53, to be saved exactly)");
}

TEST(Groups, AreNoMoreThanOneWhereParametersAreLookedAtTogether) {
  const Tensor p = leaf(2);
  const auto closure = [&] {
    p.zero_grad();
    Tensor loss = sum(p * p);
    loss.backward();
    return loss;
  };
  LBFGS lbfgs({p});
  lbfgs.step(closure);
  expect_error<UsageError>([&] { lbfgs.add_group({leaf(100)}); },
                           "LBFGS: 2 groups (want 1: it looks at all parameters together)");
  EXPECT_EQ(lbfgs.parameters().size(), 1U);
  WeightPerturbation perturbed({p});
  EXPECT_THROW(perturbed.add_group({leaf(100)}), UsageError);
}

TEST(LBFGS, ForgetsWhatAShorterHistoryHasNoRoomFor) {
  const Tensor p = (arange(1, 9, 1, f64) * 1).requires_grad_();
  LBFGS optimizer({p}, {.lr = 0.1, .max_iter = 1, .tolerance_grad = 0, .tolerance_change = 0, .history_size = 6});
  const auto step = [&] {
    optimizer.step([&] {
      p.zero_grad();
      Tensor loss = sum(p * p * p * p);
      loss.backward();
      return loss;
    });
  };
  for (int i = 0; i < 10; ++i) step();
  EXPECT_EQ(optimizer.state().numbers.at("pairs"), 6);
  optimizer.set_option("history_size", 2);
  for (int i = 0; i < 4; ++i) step();
  EXPECT_EQ(optimizer.state().numbers.at("pairs"), 2);
}

}  // namespace
}  // namespace dagrad::optim
