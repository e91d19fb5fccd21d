#include "dagrad/ops/matmul.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"

namespace dagrad {
namespace {

/// Whole numbers from -4 to 4: their products and sums are exact in f32, so results can be compared bit by bit.
Tensor whole_numbers(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return to(randint(-4, 5, shape, generator), f32);
}

/// The triple loop, in 64-bit integers.
std::vector<std::int64_t> product(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<std::int64_t>(), y = b.to_vector<std::int64_t>();
  const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  std::vector<std::int64_t> result(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t p = 0; p < k; ++p) {
        result[static_cast<std::size_t>(i * n + j)] +=
            x[static_cast<std::size_t>(i * k + p)] * y[static_cast<std::size_t>(p * n + j)];
      }
    }
  }
  return result;
}

TEST(Matmul, IsExactOnWholeNumbersInAnyTransposition) {
  for (const auto& [m, k, n] : {std::array{1, 1, 1}, {3, 5, 7}, {17, 33, 67}, {64, 128, 10}, {1, 100, 1}, {65, 1, 3}}) {
    const Tensor a = whole_numbers({m, k}, 1), b = whole_numbers({k, n}, 2);
    const Tensor at = contiguous(transpose(a)), bt = contiguous(transpose(b));
    const auto expected = product(a, b);
    EXPECT_EQ(matmul(a, b).to_vector<std::int64_t>(), expected) << m << " " << k << " " << n;
    EXPECT_EQ(matmul(transpose(at), b).to_vector<std::int64_t>(), expected);
    EXPECT_EQ(matmul(a, transpose(bt)).to_vector<std::int64_t>(), expected);
    EXPECT_EQ(matmul(transpose(at), transpose(bt)).to_vector<std::int64_t>(), expected);
  }
}

TEST(Matmul, ReadsTransposedViewsAndRowsWithGapsInPlace) {
  const Tensor a = randn({3, 16, 8});
  EXPECT_TRUE(onednn::matmul_takes(a));
  EXPECT_TRUE(onednn::matmul_takes(transpose(a)));
  EXPECT_TRUE(onednn::matmul_takes(slice(a, 2, 0, 5)));
  EXPECT_TRUE(onednn::matmul_takes(transpose(slice(a, 1, 0, 16, 2))));
  // What it cannot read is copied: elements with gaps between them, rows on top of each other.
  EXPECT_FALSE(onednn::matmul_takes(slice(a, 2, 0, 8, 2)));
  EXPECT_FALSE(onednn::matmul_takes(expand(randn({1, 8}), {16, 8})));
  const Tensor gaps = slice(whole_numbers({6, 8}, 11), 1, 0, 8, 2), b = whole_numbers({4, 3}, 12);
  EXPECT_EQ(matmul(gaps, b).to_vector<std::int64_t>(), product(gaps, b));
  const Tensor repeated = expand(whole_numbers({1, 4}, 13), {6, 4});
  EXPECT_EQ(matmul(repeated, b).to_vector<std::int64_t>(), product(repeated, b));
}

TEST(Matmul, OfLongSumsIsExactOnWholeNumbersTransposedAndWithGaps) {
  const Tensor a = slice(whole_numbers({1031, 70}, 14), 1, 0, 65), b = slice(whole_numbers({1031, 80}, 15), 1, 3, 70);
  const auto expected = product(contiguous(transpose(a)), contiguous(b));
  EXPECT_EQ(matmul(transpose(a), b).to_vector<std::int64_t>(), expected);
  const Tensor first = transpose(a.alias({1031, 64}, a.strides(), a.offset()));
  EXPECT_EQ(matmul(first, b).to_vector<std::int64_t>(), product(contiguous(first), contiguous(b)));
}

TEST(Matmul, BroadcastsBatches) {
  const Tensor a = whole_numbers({2, 1, 3, 4}, 3), b = whole_numbers({5, 4, 2}, 4);
  const Tensor c = matmul(a, b);
  EXPECT_EQ(c.shape(), (Shape{2, 5, 3, 2}));
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t j = 0; j < 5; ++j) {
      EXPECT_EQ(select(select(c, 0, i), 0, j).to_vector<std::int64_t>(),
                product(select(select(a, 0, i), 0, 0), select(b, 0, j)));
    }
  }
}

TEST(Matmul, DropsTheDimensionOfVectors) {
  const Tensor v = whole_numbers({4}, 5), m = whole_numbers({4, 3}, 6);
  EXPECT_EQ(matmul(v, m).shape(), (Shape{3}));
  EXPECT_EQ(matmul(transpose(m), v).shape(), (Shape{3}));
  EXPECT_EQ(matmul(v, v).shape(), Shape{});
  EXPECT_EQ(matmul(v, v).item<std::int64_t>(), product(reshape(v, {1, 4}), reshape(v, {4, 1}))[0]);
}

TEST(Matmul, OverAnEmptyInnerSizeIsZero) {
  EXPECT_EQ(matmul(zeros({2, 0}), zeros({0, 3})).to_vector<int>(), std::vector<int>(6, 0));
  EXPECT_EQ(matmul(zeros({0, 2}), zeros({2, 3})).shape(), (Shape{0, 3}));
}

TEST(Matmul, SaysWhichSizesDiffer) {
  expect_error<ShapeError>(
      [] {
        matmul(zeros({64, 784}), zeros({128, 10}));
      },
      "matmul: inner sizes differ: a is [64, 784], b is [128, 10] (want b.size(-2) == 784)");
  expect_error<DTypeError>(
      [] {
        matmul(zeros({2, 2}), zeros({2, 2}, f64));
      },
      "matmul: element types differ: f32 and f64 (want one type; cast with to())");
  expect_error<DTypeError>(
      [] {
        matmul(zeros({2, 2}, i64), zeros({2, 2}, i64));
      },
      "matmul: i64 (want f32, bf16 or f64)");
}

TEST(Linear, FusesItsBiasAndBothGradients) {
  const Tensor x = whole_numbers({9, 5}, 7), w = whole_numbers({4, 5}, 8).requires_grad_(),
               b = whole_numbers({4}, 9).requires_grad_();
  const Tensor y = linear(x, w, b);
  const Tensor expected = matmul(x, transpose(w.detach())) + b.detach();
  EXPECT_EQ(y.to_vector<int>(), expected.to_vector<int>());
  const Tensor g = whole_numbers({9, 4}, 10);
  y.backward(g);
  EXPECT_EQ(w.grad().to_vector<std::int64_t>(), product(transpose(g), x));
  EXPECT_EQ(b.grad().to_vector<int>(), sum(g, {0}).to_vector<int>());
}

TEST(Linear, SumsManyRowsOfItsBiasGradientAccurately) {
  const std::int64_t rows = 100'000;
  const Tensor x = zeros({rows, 1}), w = zeros({1, 1}).requires_grad_(), b = zeros({1}).requires_grad_();
  linear(x, w, b).backward(full({rows, 1}, 0.1));
  EXPECT_NEAR(b.grad().item<double>(), 0.1 * static_cast<double>(rows), 0.1);  // a running f32 sum is off by 1.4
}

TEST(Linear, GivesWholeNumbersExactlyOnBothSidesOfWhereOwnLoopsEnd) {
  // Odd sizes, so that every tile has a rest; the last is a primitive's.
  for (const Shape& size :
       {Shape{7, 5, 3}, Shape{33, 18, 35}, Shape{64, 63, 65}, Shape{50, 255, 20}, Shape{50, 257, 20}}) {
    const Tensor x = whole_numbers({size[0], size[1]}, 21), w = whole_numbers({size[2], size[1]}, 22).requires_grad_(),
                 b = whole_numbers({size[2]}, 23).requires_grad_(), g = whole_numbers({size[0], size[2]}, 24);
    const Tensor leaf = x.detach().requires_grad_(), y = linear(leaf, w, b);
    EXPECT_EQ(y.to_vector<std::int64_t>(), (matmul(x, transpose(w.detach())) + b.detach()).to_vector<std::int64_t>());
    EXPECT_EQ(matmul(x, transpose(w.detach())).to_vector<std::int64_t>(), product(x, transpose(w.detach())));
    y.backward(g);
    EXPECT_EQ(leaf.grad().to_vector<std::int64_t>(), product(g, w.detach())) << size.str();
    EXPECT_EQ(w.grad().to_vector<std::int64_t>(), product(transpose(g), x)) << size.str();
    EXPECT_EQ(b.grad().to_vector<std::int64_t>(), sum(g, {0}).to_vector<std::int64_t>()) << size.str();
  }
}

TEST(Linear, KeepsNanUnderReluInSmallProducts) {
  const Tensor x = tensor({std::nan(""), 1, -1}, {3, 1});
  const std::vector<float> y = linear(x, ones({1, 1}), {}, Activation::relu).to_vector<float>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 1);
  EXPECT_EQ(y[2], 0);
}

TEST(Linear, SaysWhatIsWrong) {
  expect_error<ShapeError>(
      [] {
        linear(zeros({2, 3}), zeros({4, 5}));
      },
      "linear: inner sizes differ: src is [2, 3], weights are [4, 5] (want src.size(-1) == 5)");
  expect_error<ShapeError>(
      [] {
        linear(zeros({2, 5}), zeros({4, 5}), zeros({5}));
      },
      "linear: bias is [5], weights are [4, 5] (want bias of [4])");
}

TEST(Primitives, AreMadeOncePerShape) {
  const Tensor a = randn({30, 400}), b = randn({400, 50});  // too large for own loops
  (void)matmul(a, b);
  const auto made = onednn::statistics().primitives_created;
  const auto run = onednn::statistics().executions;
  for (int i = 0; i < 5; ++i) (void)matmul(a, b);
  EXPECT_EQ(onednn::statistics().primitives_created, made);
  EXPECT_EQ(onednn::statistics().executions, run + 5);
}

/// With an inner size of 4096 oneDNN splits the sum over threads, if it may.
void expect_same_bits_in_deterministic_mode(const Tensor& a, const Tensor& b) {
  const int threads = num_threads();
  set_deterministic(true);
  set_num_threads(1);
  const Tensor one = matmul(a, b);
  set_num_threads(2);
  const Tensor two = matmul(a, b);
  set_deterministic(false);
  set_num_threads(threads);
  EXPECT_EQ(one.to_vector<float>(), two.to_vector<float>());
}

TEST(Primitives, GiveTheSameBitsOnAnyNumberOfThreadsInDeterministicMode) {
  expect_same_bits_in_deterministic_mode(randn({8, 4096}), randn({4096, 64}));
  expect_same_bits_in_deterministic_mode(transpose(randn({4096, 65})), randn({4096, 64}));
}

TEST(Primitives, GiveTheSameBitsAtEachCallOnTwoThreads) {
  const Tensor a = transpose(randn({4096, 65})), b = randn({4096, 64});
  const int threads = num_threads();
  set_num_threads(2);
  const auto once = matmul(a, b).to_vector<float>();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(matmul(a, b).to_vector<float>(), once);
  set_num_threads(threads);
}

}  // namespace
}  // namespace dagrad
