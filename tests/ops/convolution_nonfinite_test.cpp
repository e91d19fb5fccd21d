// NaN and infinities in a convolution, at its border and within: the same answer from every kernel (see Note [Zeros of
// a padding] in ops/zero_padding.h), told from the formula on a source with zeros around it.
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/backward.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

struct Case {
  const char* name;
  Shape src, weights;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;

  Tensor operator()(const Tensor& x, const Tensor& w) const { return run(x, w, padding); }
  Tensor run(const Tensor& x, const Tensor& w, std::int64_t around) const {
    const ConvolutionOptions options{.stride = stride, .padding = around, .dilation = dilation, .groups = groups};
    return x.dim() == 3   ? conv1d(x, w, {}, options)
           : x.dim() == 4 ? conv2d(x, w, {}, options)
                          : conv3d(x, w, {}, options);
  }
  /// The same by f64's plain loops, over a source that has its zeros.
  Tensor wanted(const Tensor& x, const Tensor& w) const {
    std::vector<std::int64_t> around(2 * static_cast<std::size_t>(x.dim() - 2), padding);
    return run(pad(to(x, f64), around), to(w, f64), 0);
  }
};

// One channel and few (own kernels), channels that fill vectors and such that do not, depthwise, one to three axes.
const std::vector<Case>& cases() {
  static const std::vector<Case> list{{"one_channel", {2, 1, 9, 8}, {16, 1, 3, 3}, 1, 1},
                                      {"three_channels", {2, 3, 9, 8}, {8, 3, 5, 5}, 2, 2},
                                      {"16_to_32", {2, 16, 7, 7}, {32, 16, 3, 3}, 1, 1},
                                      {"64_to_64_strided", {2, 64, 8, 8}, {64, 64, 3, 3}, 2, 1},
                                      {"5_to_7_dilated", {2, 5, 9, 9}, {7, 5, 3, 3}, 1, 2, 2},
                                      {"17_to_33", {1, 17, 6, 6}, {33, 17, 3, 3}, 1, 1},
                                      {"pointwise", {2, 16, 5, 5}, {16, 16, 1, 1}, 1, 1},
                                      {"wider_than_the_source", {1, 16, 3, 3}, {16, 16, 5, 5}, 1, 2},
                                      {"grouped", {2, 32, 6, 6}, {32, 8, 3, 3}, 1, 1, 1, 4},
                                      {"depthwise", {2, 16, 7, 7}, {16, 1, 3, 3}, 1, 1, 1, 16},
                                      {"one_axis", {2, 16, 12}, {16, 16, 5}, 1, 2},
                                      {"three_axes", {1, 8, 4, 5, 4}, {8, 8, 3, 3, 3}, 1, 1},
                                      {"large", {2, 32, 14, 14}, {48, 32, 3, 3}, 1, 1},
                                      {"in_tiles", {2, 16, 20, 23}, {32, 16, 3, 3}, 1, 1}};
  return list;
}

/// Values that every type holds exactly, none of them 0.
Tensor values(const Shape& shape) {
  const Tensor whole = to(randint(1, 5, shape), f32);
  return where(lt(rand(shape), 0.5), whole, neg(whole)) * 0.25;
}

std::vector<double> planted_values() { return {kNan, kInf, -kInf}; }

/// The first element, one in the middle, the last.
std::vector<std::int64_t> places(const Tensor& t) { return {0, t.numel() / 2, t.numel() - 1}; }

Tensor with(const Tensor& t, std::int64_t at, double value) {
  Tensor copy = clone(t);
  narrow(reshape(copy, {-1}), 0, at, 1).fill_(value);
  return copy;
}

/// Equal, where NaN and infinities equal themselves; finite ones to a precision. With `or_nan` any of them may be NaN.
::testing::AssertionResult agree(const Tensor& got, const Tensor& want, double u, bool or_nan = false) {
  const std::vector<double> a = to(got, f64).to_vector<double>(), b = want.to_vector<double>();
  double largest = 0;
  for (const double x : b) largest = std::isfinite(x) ? std::max(largest, std::fabs(x)) : largest;
  std::size_t wrong = 0;
  std::string first;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (or_nan && std::isnan(a[i])) continue;
    const bool same = std::isnan(b[i])   ? std::isnan(a[i])
                      : std::isinf(b[i]) ? a[i] == b[i]
                                         : std::fabs(a[i] - b[i]) <= u * largest;
    if (!same && wrong++ == 0) first = fmt::format("first at {}: {}, want {}", i, a[i], b[i]);
  }
  if (wrong == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << wrong << " of " << b.size() << " differ, " << first;
}

class ConvolutionNonfinite : public ::testing::TestWithParam<Case> {
 protected:
  const Case& c = GetParam();
  Tensor src, weights;
  void SetUp() override {
    manual_seed(3);
    src = values(c.src);
    weights = values(c.weights);
  }
  static double precision(DType dtype) { return dtype == bf16 ? 0x1p-6 : dtype == f32 ? 0x1p-16 : 0x1p-45; }
};

TEST_P(ConvolutionNonfinite, SourcesReachTheResultsWhoseWindowCoversThem) {
  for (const double value : planted_values()) {
    for (const std::int64_t at : places(src)) {
      const Tensor x = with(src, at, value), want = c.wanted(x, weights);
      for (const DType dtype : {f64, f32, bf16})
        EXPECT_TRUE(agree(c(to(x, dtype), to(weights, dtype)), want, precision(dtype)))
            << name_of(dtype) << ", " << value << " at " << at;
    }
  }
}

TEST_P(ConvolutionNonfinite, WeightsReachEveryResultOfTheirChannel) {
  for (const double value : planted_values()) {
    for (const std::int64_t at : places(weights)) {
      const Tensor w = with(weights, at, value), want = c.wanted(src, w);
      for (const DType dtype : {f64, f32, bf16})
        EXPECT_TRUE(agree(c(to(src, dtype), to(w, dtype)), want, precision(dtype)))
            << name_of(dtype) << ", " << value << " at " << at;
    }
  }
}

/// The gradients of src and weights in `dtype` given diff_dst.
std::vector<Tensor> gradients(const Case& c, const Tensor& src, const Tensor& weights, const Tensor& diff, DType dtype,
                              bool by_formula) {
  const std::vector<Tensor> in{to(src, dtype).detach().requires_grad_(), to(weights, dtype).detach().requires_grad_()};
  const Tensor dst = by_formula ? c.wanted(in[0], in[1]) : c(in[0], in[1]);
  return grad(std::vector{dst}, in, std::vector{to(diff, dtype)});
}

TEST_P(ConvolutionNonfinite, GradientsAreThoseOverASourceWithItsZeros) {
  const Tensor diff = values(c.wanted(src, weights).shape());
  const std::array<const Tensor*, 3> clean{&src, &weights, &diff};
  for (std::size_t which = 0; which < 3; ++which) {
    for (const std::int64_t at : places(*clean[which])) {
      std::array<Tensor, 3> in{src, weights, diff};
      in[which] = with(*clean[which], at, kNan);
      const std::vector<Tensor> want = gradients(c, in[0], in[1], in[2], f64, true);
      for (const DType dtype : {f64, f32, bf16}) {
        const std::vector<Tensor> got = gradients(c, in[0], in[1], in[2], dtype, false);
        for (std::size_t k = 0; k < 2; ++k)
          EXPECT_TRUE(agree(got[k], want[k], precision(dtype), dtype == bf16))
              << name_of(dtype) << ", gradient " << k << ", NaN in " << which << " at " << at;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, ConvolutionNonfinite, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<Case>& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace dagrad
