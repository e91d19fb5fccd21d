#include "dagrad/ops/narrow_matmul.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/cast.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/onednn/ledger.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// From -4 to 4, which bf16 holds, and whose sums of products f32 does.
Tensor whole_numbers(const Shape& shape, std::uint64_t seed, DType type = f32) {
  Generator generator(seed);
  return to(randint(-4, 5, shape, generator), type);
}

// rows, inner, columns: with rests of tiles and of vectors, the narrow side on the left and on the right.
const std::vector<Shape> kSizes{{1, 128, 1},    {1, 1000, 9}, {1, 517, 130}, {2, 300, 77}, {4, 515, 33},
                                {131, 530, 10}, {67, 129, 1}, {9, 255, 2},   {6, 399, 5},  {70, 2050, 8}};

TEST(NarrowMatmul, IsExactOnWholeNumbersOfBothTypes) {
  for (const Shape& size : kSizes) {
    for (const DType type : {f32, bf16}) {
      const Tensor a = whole_numbers({size[0], size[1]}, 1, type);
      const Tensor b = transpose(whole_numbers({size[2], size[1]}, 2, type)), bias = whole_numbers({size[2]}, 3);
      const Tensor sums = matmul(to(a, f64), to(b, f64)) + to(bias, f64);
      Tensor dst = full({size[0], size[2]}, NAN), above = full({size[0], size[2]}, NAN);
      ASSERT_TRUE(narrow_matmul::run(a, b, bias, dst, false)) << size.str() << " " << name_of(type);
      EXPECT_EQ(dst.to_vector<double>(), sums.to_vector<double>()) << size.str() << " " << name_of(type);
      ASSERT_TRUE(narrow_matmul::run(a, b, bias, above, true));
      EXPECT_EQ(above.to_vector<double>(), relu(sums).to_vector<double>()) << size.str() << " " << name_of(type);
    }
  }
}

// 7 and 23 rows make even groups; columns with each width of tile.
const std::vector<Shape> kRowSizes{{1, 400, 471}, {2, 130, 400}, {3, 67, 1040}, {4, 300, 309}, {5, 301, 128},
                                   {6, 500, 80},  {7, 129, 496}, {10, 70, 512}, {23, 80, 720}};

TEST(NarrowMatmul, AddsUpRowsExactlyForFactorsInRowsAndInColumns) {
  for (const Shape& size : kRowSizes) {
    for (const DType type : {f32, bf16}) {
      if (type == bf16 && size[0] > 5) continue;
      const Tensor a = whole_numbers({size[0], size[1]}, 1, type), b = whole_numbers({size[1], size[2]}, 2, type);
      const auto wanted = matmul(to(a, f64), to(b, f64)).to_vector<double>();
      for (const Tensor& factors : {a, transpose(contiguous(transpose(a)))}) {
        Tensor dst = full({size[0], size[2]}, NAN);
        ASSERT_TRUE(narrow_matmul::run(factors, b, {}, dst, false)) << size.str() << " " << name_of(type);
        EXPECT_EQ(dst.to_vector<double>(), wanted) << size.str() << " " << name_of(type);
      }
    }
  }
}

TEST(NarrowMatmul, LaysOutWhatIsNarrow) {
  for (const DType type : {f32, bf16}) {
    const Tensor a = whole_numbers({70, 1024}, 1, type), b = whole_numbers({1024, 3}, 2, type);
    Tensor dst = full({70, 3}, NAN), turned = full({3, 70}, NAN);
    ASSERT_TRUE(narrow_matmul::run(a, b, {}, dst, false));
    EXPECT_EQ(dst.to_vector<double>(), matmul(to(a, f64), to(b, f64)).to_vector<double>());
    ASSERT_TRUE(narrow_matmul::run(transpose(b), transpose(a), {}, turned, false));
    EXPECT_EQ(turned.to_vector<double>(), transpose(dst).to_vector<double>());
  }
}

TEST(NarrowMatmul, AddsUpColumnsForAVectorOnTheRight) {
  for (const DType type : {f32, bf16}) {
    const Tensor a = transpose(whole_numbers({300, 437}, 1, type)), b = whole_numbers({300, 1}, 2, type);
    Tensor dst = full({437, 1}, NAN);
    ASSERT_TRUE(narrow_matmul::run(a, b, {}, dst, false));
    EXPECT_EQ(dst.to_vector<double>(), matmul(to(a, f64), to(b, f64)).to_vector<double>());
  }
}

TEST(NarrowMatmul, AddsUpLongDotProductsInBlocks) {
  const std::int64_t count = (std::int64_t{1} << 20) + 11;
  const Tensor x = rand({count});
  double wanted = 0;
  for (const double v : x.to_vector<double>()) wanted += v * v;
  const int before = num_threads();
  set_num_threads(1);
  const float one = narrow_matmul::dot(x.data<float>(), x.data<float>(), count);
  set_num_threads(2);
  EXPECT_EQ(narrow_matmul::dot(x.data<float>(), x.data<float>(), count), one);
  set_num_threads(before);
  EXPECT_NEAR(one, wanted, wanted * 1e-6);
  EXPECT_EQ(narrow_matmul::dot(nullptr, nullptr, 0), 0);
}

TEST(NarrowMatmul, RoundsOnceWhereResultsAreBf16) {
  const Tensor a = whole_numbers({37, 260}, 1, bf16), b = transpose(whole_numbers({5, 260}, 2, bf16));
  Tensor dst = zeros({37, 5}, bf16);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, dst, false));
  EXPECT_EQ(dst.to_vector<double>(), to(matmul(to(a, f64), to(b, f64)), bf16).to_vector<double>());
}

TEST(NarrowMatmul, ReadsRowsThatLieApartAndWritesBetweenOthers) {
  const Tensor wide = whole_numbers({50, 700}, 1), tall = whole_numbers({10, 700}, 2);
  const Tensor a = narrow(wide, 1, 100, 321), b = transpose(narrow(tall, 1, 200, 321));
  Tensor whole = zeros({50, 40}), dst = narrow(whole, 1, 20, 10);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, dst, false));
  EXPECT_EQ(dst.to_vector<double>(), matmul(to(a, f64), to(b, f64)).to_vector<double>());
  EXPECT_EQ(sum(whole).item<float>(), sum(dst).item<float>());
}

TEST(NarrowMatmul, GivesTheSameBitsOnAnyNumberOfThreadsAndInAnyCompany) {
  const int before = num_threads();
  const Tensor a = randn({133, 1500}), b = transpose(randn({7, 1500}));
  Tensor one = zeros({133, 7}), two = zeros({133, 7}), alone = zeros({1, 7});
  set_num_threads(1);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, one, false));
  set_num_threads(2);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, two, false));
  set_num_threads(before);
  EXPECT_EQ(one.to_vector<float>(), two.to_vector<float>());
  ASSERT_TRUE(narrow_matmul::run(narrow(a, 0, 132, 1), b, {}, alone, false));
  EXPECT_EQ(alone.to_vector<float>(), narrow(one, 0, 132, 1).to_vector<float>());
}

TEST(NarrowMatmul, AddsUpRowsToTheSameBitsOnAnyNumberOfThreadsAndInAnyCompany) {
  const int before = num_threads();
  const Tensor a = randn({7, 900}), b = randn({900, 1040});
  Tensor one = zeros({7, 1040}), two = zeros({7, 1040}), alone = zeros({1, 64});
  set_num_threads(1);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, one, false));
  set_num_threads(2);
  ASSERT_TRUE(narrow_matmul::run(a, b, {}, two, false));
  set_num_threads(before);
  EXPECT_EQ(one.to_vector<float>(), two.to_vector<float>());
  ASSERT_TRUE(narrow_matmul::run(narrow(a, 0, 6, 1), narrow(b, 1, 976, 64), {}, alone, false));
  EXPECT_EQ(alone.to_vector<float>(), contiguous(narrow(narrow(one, 0, 6, 1), 1, 976, 64)).to_vector<float>());
}

TEST(NarrowMatmul, KeepsNanThroughRelu) {
  Tensor a = ones({2, 64}), dst = zeros({2, 1});
  a.mutable_data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(narrow_matmul::run(a, ones({64, 1}), {}, dst, true));
  EXPECT_TRUE(std::isnan(dst.data<float>()[0]));
  EXPECT_EQ(dst.data<float>()[1], 64);
}

TEST(NarrowMatmul, LeavesWideProductsAndOtherLayoutsToOthers) {
  Tensor wide = zeros({64, 64}), narrow_one = zeros({64, 2});
  EXPECT_FALSE(narrow_matmul::run(ones({64, 512}), transpose(ones({64, 512})), {}, wide, false));
  EXPECT_FALSE(narrow_matmul::run(ones({64, 512}), ones({512, 64}), {}, wide, false));
  Tensor none = zeros({64, 0});
  EXPECT_FALSE(narrow_matmul::run(ones({64, 512}), transpose(ones({0, 512})), {}, none, false));
  EXPECT_FALSE(narrow_matmul::run(transpose(ones({512, 64})), transpose(ones({2, 512})), {}, narrow_one, false));
}

TEST(NarrowMatmul, IsBookedUnderItsOp) {
  onednn::Ledger ledger;
  linear(ones({32, 512}), ones({10, 512}), {});
  const auto entries = ledger.entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].op, "linear");
  EXPECT_EQ(entries[0].implementation, "dots");
}

}  // namespace
}  // namespace dagrad
