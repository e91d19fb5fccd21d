#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Optimizer, IsNamedWhenItsStepSpoilsABackward) {
  const Tensor w = ones({3}).requires_grad_();
  optim::SGD optimizer({w}, {.lr = 0.1});
  const Tensor early = sum(square(w)), late = sum(exp(w) * w);
  early.backward();
  optimizer.step();
  expect_error_with<GradientError>([&] { late.backward(); }, "was modified in place by 'SGD': found version ");
}

}  // namespace
}  // namespace dagrad
