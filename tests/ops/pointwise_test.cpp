#include "dagrad/ops/pointwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/node.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/ops.h"
#include "dagrad/ops/row_kernel.h"
#include "expect_error.h"

namespace dagrad {
namespace {

/// Whether `f` gives for the whole of large tensors what it gives for parts of them that are too small to be streamed.
template <class F>
::testing::AssertionResult is_the_same_in_parts(const Tensor& a, const Tensor& b, const F& f) {
  const Tensor whole = f(a, b);
  constexpr std::int64_t kPart = 500'000;
  for (std::int64_t begin = 0; begin < a.numel(); begin += kPart) {
    const std::int64_t count = std::min(kPart, a.numel() - begin);
    const Tensor part = f(narrow(a, 0, begin, count), b.numel() == 1 ? b : narrow(b, 0, begin, count));
    if (!all(eq(narrow(whole, 0, begin, count), part)).template item<bool>())
      return ::testing::AssertionFailure() << "the elements from " << begin << " on differ";
  }
  return ::testing::AssertionSuccess();
}

TEST(Pointwise, WritesLargeResultsPastTheCachesAsItWritesSmallOnes) {
  const std::int64_t count = 2 * pointwise::kStreamedFrom + 37;  // for one thread, and for each of two; with a rest
  const Tensor a = uniform({count}, -2, 2), b = uniform({count}, -2, 2);
  const int before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    EXPECT_TRUE(is_the_same_in_parts(a, b, [](const Tensor& x, const Tensor& y) { return x + y; })) << threads;
    EXPECT_TRUE(is_the_same_in_parts(a, scalar(3), [](const Tensor& x, const Tensor& y) { return x * y; })) << threads;
    EXPECT_TRUE(is_the_same_in_parts(a, b, [](const Tensor& x, const Tensor&) { return relu(x); })) << threads;
    EXPECT_TRUE(is_the_same_in_parts(a, b, [](const Tensor& x, const Tensor& y) { return relu_backward(x, y); }));
  }
  set_num_threads(before);
}

TEST(Tanh, OfF32IsWithinOneAndAHalfUlpOfThatOfF64) {
  std::vector<float> x;
  for (std::uint32_t bits = 0; bits < 0x41200000; bits += 4'099) x.push_back(std::bit_cast<float>(bits));  // up to 10
  std::vector<float> y(x.size());
  pointwise::row_kernel<float>(pointwise::Unary::tanh, {})(x.data(), nullptr, nullptr, y.data(), std::ssize(x));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::tanh(static_cast<double>(x[i]));
    const double ulp = std::ldexp(1, std::max(std::ilogb(static_cast<float>(exact)), -126) - 23);
    ASSERT_LE(std::abs(static_cast<double>(y[i]) - exact), 1.5 * ulp) << x[i];
    ASSERT_LE(y[i], 1) << x[i];
  }
}

TEST(Tanh, KeepsZerosTinyNumbersAndNanAndEndsAtOne) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x{0, -0.0F, 1e-38F, -1e-30F, 9.02F, -9.02F, 30, -1e30F, inf, -inf, std::nanf("")};
  std::vector<float> y(x.size());
  pointwise::row_kernel<float>(pointwise::Unary::tanh, {})(x.data(), nullptr, nullptr, y.data(), std::ssize(x));
  EXPECT_EQ(std::vector(y.begin(), y.end() - 1), (std::vector<float>{0, 0, 1e-38F, -1e-30F, 1, -1, 1, -1, 1, -1}));
  EXPECT_TRUE(std::signbit(y[1]));
  EXPECT_TRUE(std::isnan(y.back()));
}

TEST(Mul, OfATensorWithItselfTakesOnePassForBothGradients) {
  const Tensor x = tensor({1, -2, 3}, {3}, f64).requires_grad_();
  const Tensor same = x * x;
  const Tensor first = grad(sum(same), x, {.create_graph = true});
  EXPECT_EQ(first.to_vector<double>(), (std::vector<double>{2, -4, 6}));
  EXPECT_EQ(first.node()->name(), "square_backward");
  EXPECT_EQ(grad(sum(first), x).to_vector<double>(), (std::vector<double>{2, 2, 2}));
  // Half of it is a constant.
  EXPECT_EQ(grad(sum(x * x.detach()), x).to_vector<double>(), (std::vector<double>{1, -2, 3}));
}

TEST(Clamp, OfIntegersIsExact) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  const Tensor x = tensor(std::vector<std::int64_t>{large, 0, -5});
  const auto clamped = [&](double low, double high) { return clamp(x, low, high).to_vector<std::int64_t>(); };
  using Integers = std::vector<std::int64_t>;
  EXPECT_EQ(clamped(-2, 0x1p53), (Integers{large - 1, 0, -2}));
  EXPECT_EQ(clamped(-INFINITY, INFINITY), (Integers{large, 0, -5}));
  EXPECT_EQ(clamped(-1e300, 1e300), (Integers{large, 0, -5}));
  expect_error<DTypeError>([&] { clamp(x, 0.5, 2); },
                           "clamp: 0.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with "
                           "to())");
}

TEST(Comparison, TakesNumbersThatSmallIntegersDoNotHold) {
  const Tensor bytes = tensor(std::vector<std::uint8_t>{44, 10, 255}), truths = ne(bytes, 10);
  const auto found = [](const Tensor& t) { return t.to_vector<bool>(); };
  using Truths = std::vector<bool>;
  EXPECT_EQ(found(eq(bytes, 300)), (Truths{false, false, false}));  // 300 is 44 in a byte
  EXPECT_EQ(found(lt(bytes, 300)), (Truths{true, true, true}));
  EXPECT_EQ(found(gt(bytes, -1)), (Truths{true, true, true}));
  EXPECT_EQ(found(eq(bytes, 255)), (Truths{false, false, true}));
  EXPECT_EQ(found(eq(truths, 2)), (Truths{false, false, false}));
  EXPECT_EQ(found(eq(truths, 1)), (Truths{true, false, true}));
  EXPECT_EQ(found(ge(arange(0, 3), -0.0)), (Truths{true, true, true}));
}

}  // namespace
}  // namespace dagrad
