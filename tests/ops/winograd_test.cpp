// Convolutions in tiles, f32, beside the sums of f64. See Note [Minimal filtering] in ops/winograd_kernels.h.
#include "dagrad/ops/winograd.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/analysis/verify.h"
#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

struct Case {
  Shape src;
  std::int64_t out;
  Padding padding;
  bool bias = true;

  Tensor operator()(const Tensor& x, const Tensor& w, const Tensor& b) const {
    return conv2d(x, w, b, {.padding = padding});
  }
};

// Tiles that end with the result and that reach over it, every padding, one vector of channels and several.
const std::vector<Case>& cases() {
  static const std::vector<Case> list{{{2, 16, 32, 32}, 16, 1},
                                      {{3, 16, 30, 45}, 32, 1},
                                      {{2, 32, 23, 21}, 48, 0},
                                      {{1, 48, 29, 18}, 16, 2, false},
                                      {{2, 16, 19, 25}, 64, Padding::same},
                                      {{2, 64, 17, 26}, 32, Padding{2, 0}}};
  return list;
}

struct Inputs {
  Tensor x, w, b, diff;

  explicit Inputs(const Case& c) {
    manual_seed(3);
    x = randn(c.src);
    w = randn({c.out, c.src[1], 3, 3});
    if (c.bias) b = randn({c.out});
    diff = randn(c(x, w, b).shape());
  }
  Inputs in(DType dtype, bool absolute = false) const {
    Inputs result = *this;
    for (Tensor* t : {&result.x, &result.w, &result.b, &result.diff}) {
      if (t->defined()) *t = to(absolute ? abs(*t) : *t, dtype);
    }
    return result;
  }
};

/// The result and the gradients of x, w and b.
std::vector<Tensor> all_of(const Case& c, const Inputs& in) {
  std::vector<Tensor> by;
  for (Tensor t : {in.x, in.w, in.b}) {
    if (t.defined()) by.push_back(t.detach().requires_grad_());
  }
  const Tensor y = c(by[0], by[1], c.bias ? by[2] : Tensor());
  std::vector<Tensor> result = grad(std::vector{y}, by, std::vector{in.diff});
  result.push_back(y.detach());
  return result;
}

/// The largest error as a part of the sum of absolute terms, in units of the last place.
double error(const Tensor& got, const Tensor& want, const Tensor& terms) {
  return amax(abs(to(got, f64) - want) / terms).item<double>() * 0x1p24;
}

/// Calls f(case, its inputs) and tells in which case something failed.
template <class F>
void for_each_case(const F& f) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.src.str() + " to " + std::to_string(c.out));
    f(c, Inputs(c));
  }
}

TEST(Winograd, GivesTheResultAndTheGradientsOfTheSums) {
  for_each_case([](const Case& c, const Inputs& in) {
    const auto got = all_of(c, in), want = all_of(c, in.in(f64)), terms = all_of(c, in.in(f64, true));
    // At a border there are fewer terms than the tile has, whose size the error has.
    for (std::size_t k = 0; k < got.size(); ++k) EXPECT_LT(error(got[k], want[k], terms[k]), 64) << k;
  });
}

TEST(Winograd, TakesThesePlacesOfThePrimitives) {
  for_each_case([](const Case& c, const Inputs& in) {
    const auto before = onednn::statistics().executions;
    all_of(c, in);
    EXPECT_EQ(onednn::statistics().executions, before);
  });
  const auto uses_primitive = [](const Tensor& x, const Tensor& w, const ConvolutionOptions& options) {
    const auto before = onednn::statistics().executions;
    conv2d(x, w, {}, options);
    return onednn::statistics().executions > before;
  };
  const Tensor x = randn({2, 16, 32, 32}), w = randn({32, 16, 3, 3});
  EXPECT_TRUE(uses_primitive(x, w, {.stride = 2}));
  EXPECT_TRUE(uses_primitive(x, w, {.dilation = 2}));
  EXPECT_TRUE(uses_primitive(x, randn({32, 8, 3, 3}), {.groups = 2}));
  EXPECT_TRUE(uses_primitive(x, randn({32, 16, 3, 5}), {}));
  EXPECT_TRUE(uses_primitive(x, randn({30, 16, 3, 3}), {}));
  EXPECT_TRUE(uses_primitive(narrow(x, 2, 0, 4), w, {}));  // tiny
  EXPECT_TRUE(uses_primitive(to(x, bf16), to(w, bf16), {}));
}

TEST(Winograd, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int threads = num_threads();
  const auto run = [](const Case& c, const Inputs& in, int count) {
    set_num_threads(count);
    std::vector<std::vector<float>> bits;
    for (const Tensor& t : all_of(c, in)) bits.push_back(t.to_vector<float>());
    return bits;
  };
  for_each_case([&](const Case& c, const Inputs& in) {
    const auto one = run(c, in, 1), three = run(c, in, 3);
    EXPECT_EQ(one.front(), three.front());  // the gradient of x
    EXPECT_EQ(one.back(), three.back());
    EXPECT_EQ(run(c, in, 3), three);
    set_deterministic(true);
    EXPECT_EQ(run(c, in, 1), run(c, in, 3));
    set_deterministic(false);
  });
  set_num_threads(threads);
}

TEST(Winograd, LeavesSumsToThePrimitivesThatOverflowInTiles) {
  const Case& c = cases()[0];
  Inputs in(c);
  std::vector<float> signs;  // those of the second row of B', in each tile
  for (int i = 0; i < 32; ++i) signs.push_back(i % 4 < 2 ? -1 : 1);
  in.x = zeros(c.src) + reshape(tensor(signs), {32, 1}) * tensor(signs) * 2e37;
  in.w = full(in.w.shape(), 0.05);
  const auto before = onednn::statistics().executions;
  const Tensor y = c(in.x, in.w, {});
  EXPECT_GT(onednn::statistics().executions, before);
  EXPECT_TRUE(all(isfinite(y)).item<bool>());
  const Inputs wide = in.in(f64), absolute = in.in(f64, true);
  EXPECT_LT(error(y, c(wide.x, wide.w, {}), c(absolute.x, absolute.w, {})), 16);
}

TEST(Winograd, LeavesReplaysToThePrimitivesToo) {
  const Tensor w = randn({16, 16, 3, 3});
  const auto f = [&](const Tensor& x) {
    const Tensor leaf = x.detach().requires_grad_();
    return grad(sum(square(conv2d(leaf, w, {}, {.padding = 1}))), leaf);
  };
  CapturedStep step(f);
  const Tensor x = randn({2, 16, 32, 32});
  const auto bits = [](const Tensor& t) { return isfinite(t).to_vector<bool>(); };
  for (int k = 0; k < 3; ++k) EXPECT_EQ(step(x).to_vector<float>(), f(x).to_vector<float>());
  const Tensor one = cat({full({1}, NAN), zeros({x.numel() - 1})}, 0), with_nan = x + reshape(one, x.shape());
  EXPECT_EQ(bits(step(with_nan)), bits(f(with_nan)));
}

TEST(Winograd, PassesVerifyModeAtItsOwnPrecision) {
  std::vector<std::string> off;
  const auto verified = [&](const Case& c, const Inputs& in) {
    const VerifyMode verify({.on_mismatch = [&](const Mismatch& m) { off.push_back(m.str()); }});
    all_of(c, in);
    return verify.compared();
  };
  for_each_case([&](const Case& c, const Inputs& in) {
    Inputs positive = in;
    positive.x = relu(in.x);
    EXPECT_GT(verified(c, positive), 2u);
  });
  EXPECT_EQ(off, std::vector<std::string>{});
}

}  // namespace
}  // namespace dagrad
