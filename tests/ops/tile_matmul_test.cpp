#include "dagrad/ops/tile_matmul.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/cast.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

struct TileMatmul : testing::Test {
  void SetUp() override {
    Tensor dst = zeros({64, 64});
    if (!tile_matmul::run(ones({64, 64}), ones({64, 64}), {}, dst, false))
      GTEST_SKIP() << "this processor has other kernels";
  }
};

struct Threads {
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before = num_threads();
};

/// From -4 to 4, which bf16 holds, and whose sums of products f32 does.
Tensor whole_numbers(const Shape& shape, std::uint64_t seed, DType type = f32) {
  Generator generator(seed);
  return to(randint(-4, 5, shape, generator), type);
}

Tensor in_columns(const Tensor& t) { return transpose(contiguous(transpose(t))); }

/// a b + bias in f64.
Tensor wanted(const Tensor& a, const Tensor& b, const Tensor& bias = {}) {
  const Tensor product = matmul(to(a, f64), to(b, f64));
  return bias.defined() ? product + to(bias, f64) : product;
}

// Strips and tiles with rests, inner sizes below and above those that are gathered, b that stays in the cache and not.
const std::vector<Shape> kSizes{{32, 32, 32},   {50, 40, 48},     {61, 300, 144}, {128, 66, 1040},
                                {70, 1030, 96}, {131, 520, 1040}, {300, 128, 96}, {33, 2048, 64}};

TEST_F(TileMatmul, IsExactOnWholeNumbersForOperandsInRowsAndInColumns) {
  for (const Shape& size : kSizes) {
    for (const DType type : {f32, bf16}) {
      const Tensor a = whole_numbers({size[0], size[1]}, 1, type), b = whole_numbers({size[1], size[2]}, 2, type);
      const auto expected = wanted(a, b).to_vector<double>();
      for (const Tensor& left : {a, in_columns(a)}) {
        Tensor dst = full({size[0], size[2]}, NAN);
        ASSERT_TRUE(tile_matmul::run(left, b, {}, dst, false)) << size.str();
        EXPECT_EQ(dst.to_vector<double>(), expected) << size.str() << " " << name_of(type);
      }
    }
  }
}

TEST_F(TileMatmul, AddsABiasAndAppliesReluWhereTheSecondOperandIsInColumns) {
  // From 256 rows on columns of b are turned in place of rows of a, where they are a multiple of 16.
  for (const Shape& size : {Shape{64, 784, 130}, Shape{45, 1024, 1000}, Shape{32, 300, 400}, Shape{515, 514, 208},
                            Shape{600, 600, 96}, Shape{528, 1024, 1000}}) {
    for (const DType type : {f32, bf16}) {
      const Tensor a = whole_numbers({size[0], size[1]}, 3, type),
                   b = in_columns(whole_numbers({size[1], size[2]}, 4, type)), bias = whole_numbers({size[2]}, 5);
      Tensor plain = zeros({size[0], size[2]}), above = zeros({size[0], size[2]});
      ASSERT_TRUE(tile_matmul::run(a, b, {}, plain, false)) << size.str();
      EXPECT_EQ(plain.to_vector<double>(), wanted(a, b).to_vector<double>()) << size.str();
      ASSERT_TRUE(tile_matmul::run(a, b, bias, above, true));
      auto expected = wanted(a, b, bias).to_vector<double>();
      for (double& x : expected) x = std::max(x, 0.0);
      EXPECT_EQ(above.to_vector<double>(), expected) << size.str() << " " << name_of(type);
    }
  }
}

TEST_F(TileMatmul, RoundsToBf16OnceAtTheEnd) {
  const Tensor a = whole_numbers({70, 1030}, 6, bf16), b = whole_numbers({1030, 96}, 7, bf16);
  const auto expected = to(to(wanted(a, b), f32), bf16).to_vector<double>();
  Tensor by_rows = zeros({70, 96}, bf16), by_columns = zeros({70, 96}, bf16);
  ASSERT_TRUE(tile_matmul::run(a, b, {}, by_rows, false));
  EXPECT_EQ(by_rows.to_vector<double>(), expected);
  const Tensor c = whole_numbers({48, 1030}, 8, bf16), d = in_columns(whole_numbers({1030, 200}, 9, bf16));
  by_columns = zeros({48, 200}, bf16);
  ASSERT_TRUE(tile_matmul::run(c, d, {}, by_columns, false));
  EXPECT_EQ(by_columns.to_vector<double>(), to(to(wanted(c, d), f32), bf16).to_vector<double>());
}

TEST_F(TileMatmul, LeavesWhatLiesBesideItsResultAlone) {
  const Tensor a = whole_numbers({61, 300}, 10), b = whole_numbers({300, 80}, 11);
  for (const Tensor& right : {b, in_columns(b)}) {
    Tensor wide = full({61, 100}, 7);
    Tensor dst = slice(wide, 1, 5, 85);
    if (!tile_matmul::run(a, right, {}, dst, false)) continue;
    EXPECT_EQ(contiguous(dst).to_vector<double>(), wanted(a, b).to_vector<double>());
    EXPECT_EQ(contiguous(slice(wide, 1, 0, 5)).to_vector<int>(), std::vector<int>(305, 7));
    EXPECT_EQ(contiguous(slice(wide, 1, 85, 100)).to_vector<int>(), std::vector<int>(915, 7));
  }
}

TEST_F(TileMatmul, KeepsNanAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  Tensor a = ones({32, 512}), b = in_columns(ones({512, 512}));
  a.mutable_data<float>()[0] = NAN;
  a.mutable_data<float>()[512] = infinity;
  a.mutable_data<float>()[1024] = -infinity;
  Tensor dst = zeros({32, 512});
  ASSERT_TRUE(tile_matmul::run(a, b, {}, dst, true));
  EXPECT_TRUE(std::isnan(dst.data<float>()[5]));
  EXPECT_EQ(dst.data<float>()[512 + 5], infinity);
  EXPECT_EQ(dst.data<float>()[1024 + 5], 0);
  EXPECT_EQ(dst.data<float>()[1536 + 5], 512);
}

TEST_F(TileMatmul, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (const DType type : {f32, bf16}) {
    const Tensor a = to(randn({160, 520}), type), b = to(randn({520, 1040}), type), bias = randn({1040});
    const Tensor tall = to(randn({520, 520}), type);
    const auto results = [&](int count) {
      const Threads threads(count);
      std::vector<Tensor> all;
      for (const auto& [left, right] : {std::pair(a, b), std::pair(in_columns(a), b), std::pair(a, in_columns(b)),
                                        std::pair(tall, in_columns(b))}) {
        Tensor dst = zeros({left.size(0), 1040});
        const bool has_bias = right.strides()[0] == 1;
        EXPECT_TRUE(tile_matmul::run(left, right, has_bias ? bias : Tensor(), dst, has_bias));
        all.push_back(dst);
      }
      return all;
    };
    const auto one = results(1);
    for (const int count : {2, 3, 7}) {
      const auto many = results(count);
      for (std::size_t i = 0; i < one.size(); ++i)
        EXPECT_EQ(many[i].to_vector<float>(), one[i].to_vector<float>()) << count << " threads, order " << i;
    }
  }
}

TEST_F(TileMatmul, LeavesToOthersWhatItDoesNotTake) {
  const auto declines = [](const Tensor& a, const Tensor& b, const Tensor& bias, DType type) {
    Tensor dst = full({a.size(0), b.size(1)}, 3, type);
    const bool ran = tile_matmul::run(a, b, bias, dst, false);
    return !ran && dst.to_vector<int>() == std::vector<int>(static_cast<std::size_t>(dst.numel()), 3);
  };
  EXPECT_TRUE(declines(ones({64, 64}, f64), ones({64, 64}, f64), {}, f64));
  EXPECT_TRUE(declines(ones({64, 65}, bf16), ones({65, 64}, bf16), {}, f32));  // pairs of inner elements
  EXPECT_TRUE(declines(ones({64, 64}), ones({64, 60}), {}, f32));              // vectors of columns
  EXPECT_TRUE(declines(ones({64, 4096}), ones({4096, 64}), {}, f32));          // strips larger than the cache
  EXPECT_TRUE(declines(ones({8, 64}), ones({64, 64}), {}, f32));               // too few rows
  EXPECT_TRUE(declines(in_columns(ones({64, 64})), in_columns(ones({64, 64})), {}, f32));
  EXPECT_TRUE(declines(ones({64, 64}), ones({64, 64}), ones({64}), f32));                // a bias beside b in rows
  EXPECT_TRUE(declines(slice(ones({64, 128}), 1, 0, 128, 2), ones({64, 64}), {}, f32));  // gaps between elements
}

}  // namespace
}  // namespace dagrad
