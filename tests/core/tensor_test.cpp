#include "dagrad/core/tensor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Tensor, KnowsItsShapeTypeAndElements) {
  const Tensor t = tensor({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(t.shape(), (Shape{2, 3}));
  EXPECT_EQ(t.dtype(), f32);
  EXPECT_EQ(t.numel(), 6);
  EXPECT_EQ(t.size(-1), 3);
  EXPECT_EQ(t.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(t.is_contiguous());
}

TEST(Tensor, IsMadeOfNestedLists) {
  const auto is = [](const Tensor& t, const Shape& shape, const std::vector<double>& values) {
    return t.shape() == shape && t.to_vector<double>() == values;
  };
  EXPECT_TRUE(is(tensor({{1, 2, 3}, {4, 5, 6}}), {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(is(tensor({{1, 2.5}, {3.f, 4}}), {2, 2}, {1, 2.5, 3, 4}));
  EXPECT_TRUE(is(tensor({{1}, {2}}), {2, 1}, {1, 2}));
  EXPECT_TRUE(is(tensor({{1.0, 2.0}}), {1, 2}, {1, 2}));
  EXPECT_TRUE(is(tensor({{{1, 2}}, {{3, 4}}}), {2, 1, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(is(tensor({1.f, 2.f}), {2}, {1, 2}));
  EXPECT_TRUE(is(tensor({7}), {1}, {7}));
  EXPECT_TRUE(is(tensor(7), {}, {7}));
  EXPECT_TRUE(is(tensor({}), {0}, {}));
  EXPECT_TRUE(is(tensor({{}, {}}), {2, 0}, {}));
  EXPECT_TRUE(is(tensor({{1, 2}, {3, 4}}, {4}), {4}, {1, 2, 3, 4}));
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).dtype(), f32);
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}, f64).dtype(), f64);
  const int variable = 3;
  const std::int64_t exact = (std::int64_t{1} << 60) + 1;
  EXPECT_TRUE(is(tensor({{variable, 0}}), {1, 2}, {3, 0}));
  EXPECT_EQ(tensor({exact, std::int64_t{0}}, i64).to_vector<std::int64_t>()[0], exact);
  EXPECT_EQ(tensor({{exact}, {1}}, i64).to_vector<std::int64_t>()[0], exact);
  expect_error<ShapeError>([] { tensor({{1, 2}, {3}}); }, "tensor: row 1 is [1], row 0 [2] (want rows of one shape)");
}

TEST(Tensor, IsMadeOfAVectorOrSpanWithOrWithoutAShape) {
  const std::vector<float> values{1, 2, 3, 4};
  std::vector<std::int64_t> numbers{5, 6};
  EXPECT_EQ(tensor(values).shape(), Shape{4});
  EXPECT_EQ(tensor(values).to_vector<float>(), values);
  EXPECT_EQ(tensor(numbers).dtype(), i64);
  EXPECT_EQ(tensor(std::vector<bool>{true, false}).to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(tensor(std::vector<double>{}).shape(), Shape{0});
  EXPECT_EQ(tensor(std::span(values).first(2)).to_vector<float>(), (std::vector<float>{1, 2}));
  const std::array<double, 3> fixed{1, 2, 3};
  EXPECT_EQ(tensor(std::span(fixed)).shape(), Shape{3});
  EXPECT_EQ(tensor(std::span(numbers), {2, 1}).shape(), (Shape{2, 1}));
  EXPECT_EQ(tensor(values, {2, 2}).shape(), (Shape{2, 2}));
  expect_error<ShapeError>([&] { tensor(values, {3}); }, "tensor: 4 values for shape [3] (want 3)");
}

TEST(Tensor, IsMadeLikeAnother) {
  const Tensor x = zeros({2, 3}, f64);
  EXPECT_EQ(full_like(x, 2.5).to_vector<double>(), std::vector<double>(6, 2.5));
  EXPECT_EQ(rand_like(x).dtype(), f64);
  EXPECT_EQ(randn_like(x).shape(), x.shape());
  const std::vector<int> draws = randint(2, {100}).to_vector<int>();
  EXPECT_EQ(*std::max_element(draws.begin(), draws.end()), 1);
  EXPECT_EQ(*std::min_element(draws.begin(), draws.end()), 0);
}

TEST(Tensor, IsMadeOfEquallySpacedNumbers) {
  EXPECT_EQ(arange(4).to_vector<int>(), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(arange(3, f32).dtype(), f32);
  EXPECT_EQ(arange(0, 1, 0.25, f64).to_vector<double>(), (std::vector<double>{0, 0.25, 0.5, 0.75}));
  expect_error<DTypeError>([] { arange(0, 1, 0.25); },
                           "arange: from 0 in steps of 0.25 as i64 (want whole numbers, or a floating type)");
  EXPECT_EQ(linspace(0, 1, 5, f64).to_vector<double>(), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(linspace(0.1, 0.3, 4, f64).to_vector<double>().back(), 0.3);
  EXPECT_EQ(linspace(7, 9, 1).to_vector<float>(), std::vector<float>{7});
  EXPECT_EQ(linspace(7, 9, 0).numel(), 0);
  expect_error<UsageError>([] { linspace(0, 1, -1); }, "linspace: -1 numbers (want at least 0)");
}

TEST(Tensor, AlignsItsElementsToCacheLines) {
  for (const std::int64_t n : {1, 16, 1000, 5000, 3000000}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(empty({n}).raw_data()) % 64, 0u) << n;
  }
}

TEST(Tensor, ReadsThroughViewsOfAnyStride) {
  const Tensor t = tensor({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor transposed = t.alias({3, 2}, {1, 3}, 0);
  EXPECT_EQ(transposed.to_vector<int>(), (std::vector<int>{1, 4, 2, 5, 3, 6}));
  const Tensor column = t.alias({2}, {3}, 1);
  EXPECT_EQ(column.to_vector<int>(), (std::vector<int>{2, 5}));
  const Tensor repeated = t.alias({2, 3}, {0, 1}, 3);
  EXPECT_EQ(repeated.to_vector<int>(), (std::vector<int>{4, 5, 6, 4, 5, 6}));
  EXPECT_FALSE(transposed.is_contiguous());
}

TEST(Tensor, CopiesLargeTransposesExactly) {
  const std::int64_t rows = 301, columns = 517;
  const Tensor t = arange(0, static_cast<double>(rows * columns), 1, f32).alias({rows, columns}, {columns, 1}, 0);
  const Tensor copy = contiguous_data(t.alias({columns, rows}, {1, columns}, 0));
  for (std::int64_t c = 0; c < columns; c += 13) {
    for (std::int64_t r = 0; r < rows; r += 7)
      ASSERT_EQ(copy.data<float>()[c * rows + r], t.data<float>()[r * columns + c]);
  }
}

TEST(Tensor, SharesElementsBetweenViewsAndCountsTheirChanges) {
  Tensor t = zeros({4});
  Tensor view = t.alias({2}, {1}, 2);
  const auto before = t.version();
  view.fill_(5);
  EXPECT_GT(t.version(), before);
  EXPECT_EQ(t.to_vector<int>(), (std::vector<int>{0, 0, 5, 5}));
}

TEST(Tensor, ConvertsWhenItCopies) {
  Tensor t = empty({3}, i64);
  t.copy_(tensor({1.9, -1.9, 7}));
  EXPECT_EQ(t.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, -1, 7}));
  Tensor b = empty({3}, boolean);
  b.copy_(tensor({0, 0.5, NAN}));
  EXPECT_EQ(b.to_vector<bool>(), (std::vector<bool>{false, true, true}));
}

TEST(Tensor, CopiesPartsOfItselfAsIfTheyWereReadBefore) {
  Tensor matrix = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  matrix.copy_(matrix.alias({3, 3}, {1, 3}, 0));
  EXPECT_EQ(matrix.to_vector<int>(), (std::vector<int>{1, 4, 7, 2, 5, 8, 3, 6, 9}));
  const std::int64_t size = 300'000;  // worth several threads
  Tensor line = arange(0, static_cast<double>(size)), shifted = line.alias({size - 1}, {1}, 1);
  shifted.copy_(line.alias({size - 1}, {1}, 0));
  const auto values = line.to_vector<std::int64_t>();
  for (std::int64_t i = 1; i < size; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)], i - 1);
  line.copy_(line);
  EXPECT_EQ(line.to_vector<std::int64_t>(), values);
}

TEST(Tensor, RefusesCopiesIntoOnePlaceOfSeveralElements) {
  Tensor row = zeros({3});
  expect_error<UsageError>(
      [&] {
        row.alias({2, 3}, {0, 1}, 0).copy_(ones({2, 3}));
      },
      "copy_: elements of the tensor overlap: shape [2, 3], strides [0, 1] (want an own place for each)");
  EXPECT_EQ(row.to_vector<int>(), (std::vector<int>{0, 0, 0}));
}

TEST(Tensor, RoundsBfloat16ToNearestEven) {
  const Tensor t =
      tensor(std::vector<BFloat16>{BFloat16(1.0f), BFloat16(1.00390625f), BFloat16(1.01171875f), BFloat16(NAN)}, {4});
  const std::vector<float> values = t.to_vector<float>();
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], 1.0f);       // halfway between 1 and 1.0078125: to the even one
  EXPECT_EQ(values[2], 1.015625f);  // halfway between 1.0078125 and 1.015625: to the even one
  EXPECT_TRUE(std::isnan(values[3]));
}

TEST(Tensor, SaysWhatIsWrong) {
  const Tensor t = zeros({2, 3});
  expect_error<ShapeError>([&] { (void)t.item<float>(); }, "item: shape [2, 3] has 6 elements (want exactly 1)");
  expect_error<DTypeError>([&] { (void)t.data<double>(); }, "data: the elements are f32: asked for f64");
  expect_error<ShapeError>([&] { (void)t.size(2); }, "size: axis out of range: 2 (want -2 to 1 for 2 dimensions)");
  expect_error<UsageError>([&] { (void)Tensor().shape(); },
                           "tensor: undefined (want one that was made by a function or an op)");
  expect_error<ShapeError>([&] { tensor({1, 2, 3}, {2, 2}); }, "tensor: 3 values for shape [2, 2] (want 4)");
  expect_error<ShapeError>(
      [&] {
        zeros({2, 3}).copy_(zeros({4}));
      },
      "copy_: shapes do not broadcast: [2, 3] and [4] (want equal sizes or 1 at axis -1: got 3 and 4)");
  expect_error<ShapeError>([&] { zeros({3}).copy_(zeros({2, 3})); }, "copy_: source [2, 3] does not broadcast to [3]");
  expect_error<DTypeError>([&] { zeros({2}, i64).requires_grad_(); },
                           "requires_grad_: i64 has no gradients (want f32, bf16 or f64)");
  expect_error<std::bad_alloc>(
      [] {
        empty({1 << 30, 1 << 30});
      },
      "out of memory: 4294967296.0 GiB for f32 [1073741824, 1073741824]");
}

TEST(Tensor, RefusesInPlaceChangesWhileRecording) {
  Tensor t = zeros({2});
  t.requires_grad_();
  expect_error<UsageError>([&] { t.fill_(1); },
                           "fill_: in-place change of a tensor that requires a gradient, shape [2] (want NoGrad around "
                           "it, or a new tensor)");
  const NoGrad guard;
  t.fill_(1);
  EXPECT_EQ(t.to_vector<int>(), (std::vector<int>{1, 1}));
}

TEST(Tensor, ReleasesWrappedMemoryOnce) {
  int released = 0;
  float data[] = {1, 2, 3};
  {
    const Tensor t = from_blob(data, {3}, f32, [&] { ++released; });
    const Tensor view = t.alias({1}, {1}, 2);
    EXPECT_EQ(view.item<float>(), 3);
  }
  EXPECT_EQ(released, 1);
}

TEST(Tensor, HandlesEmptyAndZeroDimensional) {
  const Tensor none = zeros({0, 3});
  EXPECT_EQ(none.numel(), 0);
  EXPECT_TRUE(none.to_vector<float>().empty());
  EXPECT_EQ(scalar(2.5).item<double>(), 2.5);
}

}  // namespace
}  // namespace dagrad
