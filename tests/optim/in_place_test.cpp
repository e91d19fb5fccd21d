#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad {
namespace {

std::string modified_by(const char* optimizer, std::uint32_t line) {
  return fmt::format("was modified in place by '{}' at {}:{}: found version ", optimizer, __FILE__, line);
}

TEST(Optimizer, IsNamedWithItsPlaceWhenItsStepSpoilsABackward) {
  const Tensor w = ones({3}).requires_grad_();
  optim::SGD optimizer({w}, {.lr = 0.1});
  const Tensor early = sum(square(w)), late = sum(exp(w) * w);
  early.backward();
  const std::uint32_t line = __LINE__ + 1;
  optimizer.step();
  expect_error_with<GradientError>([&] { late.backward(); }, modified_by("SGD", line));
}

TEST(Optimizer, IsNamedWithItsPlaceWhenItsStepTakesAClosure) {
  const Tensor w = ones({3}).requires_grad_();
  optim::LBFGS optimizer({w});
  const Tensor late = sum(exp(w) * w);
  const auto closure = [&] {
    optimizer.zero_grad();
    Tensor loss = sum(square(w));
    loss.backward();
    return loss;
  };
  const std::uint32_t line = __LINE__ + 1;
  optimizer.step(closure);
  expect_error_with<GradientError>([&] { late.backward(); }, modified_by("LBFGS", line));
}

TEST(Optimizer, IsNamedWithItsPlaceBehindAGradScaler) {
  const Tensor w = ones({3}).requires_grad_();
  optim::SGD optimizer({w}, {.lr = 0.1});
  optim::GradScaler scaler;
  const Tensor late = sum(exp(w) * w);
  (sum(square(w)) * scaler.scale()).backward();
  const std::uint32_t line = __LINE__ + 1;
  scaler.step(optimizer);
  expect_error_with<GradientError>([&] { late.backward(); }, modified_by("SGD", line));
}

}  // namespace
}  // namespace dagrad
