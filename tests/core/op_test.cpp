#include "dagrad/core/op.h"

#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/operators.h"
#include "expect_error.h"

namespace dagrad {
namespace {

/// Two outputs: the sum and the difference.
struct SumAndDifference {
  static constexpr std::string_view name = "sum_and_difference";
  std::array<Spec, 2> infer(const Tensor& a, const Tensor&) const { return {a.spec(), a.spec()}; }
  void forward(Forward&, const Tensor& a, const Tensor& b, std::array<Tensor, 2>& dst) const {
    dst[0].copy_(a + b);
    dst[1].copy_(a - b);
  }
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    for (std::size_t k = 0; k < 2; ++k) {
      if (!diff[k].defined()) continue;
      ctx.give(0, diff[k]);
      ctx.give(1, k == 0 ? diff[k] : -diff[k]);
    }
  }
};

struct NoDerivative {
  static constexpr std::string_view name = "no_derivative";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { dst.copy_(src); }
};

struct WrongShape {
  static constexpr std::string_view name = "wrong_shape";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { dst.copy_(src); }
  void backward(Backward& ctx, const Tensor&) const { ctx.give(0, zeros({7})); }
};

/// Any number of inputs.
struct Total {
  static constexpr std::string_view name = "total";
  Spec infer(std::span<const Tensor> parts) const { return parts[0].spec(); }
  void forward(Forward&, std::span<const Tensor> parts, Tensor& dst) const {
    dst.zero_();
    for (const Tensor& part : parts) dst.copy_(dst.detach() + part);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    for (std::size_t i = 0; i < ctx.input_count(); ++i) ctx.give(i, diff_dst);
  }
};

const Location kHere = Location::current();

TEST(Op, MayHaveSeveralOutputs) {
  const Tensor a = scalar(5).requires_grad_(), b = scalar(3).requires_grad_();
  const auto [sum, difference] = apply(SumAndDifference{}, kHere, a, b);
  EXPECT_EQ(sum.output_index(), 0u);
  EXPECT_EQ(difference.output_index(), 1u);
  difference.backward();
  EXPECT_EQ(b.grad().item<float>(), -1);
}

TEST(Op, MayTakeAnyNumberOfInputs) {
  const Tensor a = scalar(1).requires_grad_(), b = scalar(2), c = scalar(3).requires_grad_();
  const std::vector<Tensor> parts{a, b, c, c};
  const Tensor total = apply(Total{}, kHere, std::span<const Tensor>(parts));
  EXPECT_EQ(total.item<float>(), 9);
  total.backward();
  EXPECT_EQ(a.grad().item<float>(), 1);
  EXPECT_EQ(c.grad().item<float>(), 2);
}

TEST(Op, WithoutADerivativeThrowsWhenOneIsAskedFor) {
  EXPECT_EQ(apply(NoDerivative{}, kHere, scalar(2)).item<float>(), 2);
  expect_error_with<GradientError>([] { apply(NoDerivative{}, kHere, scalar(2).requires_grad_()); },
                                   "no_derivative: this op has no derivative, but an input requires one");
}

TEST(Op, WhoseBackwardGivesAWrongShapeIsNamed) {
  const Tensor x = zeros({2}).requires_grad_();
  const Tensor y = apply(WrongShape{}, kHere, x);
  expect_error<GradientError>(
      [&] { y.backward(ones({2})); },
      "wrong_shape: its backward gave input 0 a gradient of f32 [7] (want f32 [2] like the input)");
}

}  // namespace
}  // namespace dagrad
