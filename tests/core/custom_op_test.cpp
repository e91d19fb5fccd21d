#include "dagrad/core/custom_op.h"

#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/functional.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;

const auto cube = custom_op(
    "cube",
    [](Forward& ctx, const Tensor& x) {
      ctx.save(x);
      return x * x * x;
    },
    [](Backward& ctx, const Tensor& diff) { return diff * square(ctx.saved(0)) * 3; });

TEST(CustomOp, IsAnOpLikeAnyOther) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_();
  const Tensor y = cube(x);
  EXPECT_EQ(y.to_vector<double>(), (Doubles{1, 8}));
  EXPECT_EQ(y.node()->name(), "cube");
  EXPECT_NE(std::string(y.node()->where().file).find("custom_op_test"), std::string::npos);
  EXPECT_EQ(y.node()->edges().size(), 1u);
  EXPECT_FALSE(cube(x.detach()).requires_grad());
  const auto f = [](std::span<const Tensor> in) { return cube(in[0]); };
  EXPECT_TRUE(passes(gradcheck(f, {randn({3}, f64).requires_grad_()})));
  EXPECT_TRUE(passes(gradgradcheck(f, {randn({3}, f64).requires_grad_()})));
}

TEST(CustomOp, TakesAndGivesSeveralTensors) {
  const auto polar = custom_op(
      "polar",
      [](Forward& ctx, const Tensor& r, const Tensor& phi) {
        ctx.save(r);
        ctx.save(phi);
        return std::vector<Tensor>{r * cos(phi), r * sin(phi)};
      },
      [](Backward& ctx, const Tensor& dx, const Tensor& dy) {
        const Tensor r = ctx.saved(0), phi = ctx.saved(1);
        if (dx.defined()) {
          ctx.give(0, dx * cos(phi));
          ctx.give(1, -dx * r * sin(phi));
        }
        if (dy.defined()) {
          ctx.give(0, dy * sin(phi));
          ctx.give(1, dy * r * cos(phi));
        }
      });
  const auto f = [&](std::span<const Tensor> in) { return polar(in[0], in[1]); };
  const std::vector<Tensor> at{uniform({3}, 1, 2, f64).requires_grad_(), uniform({3}, 0, 1, f64).requires_grad_()};
  EXPECT_TRUE(passes(gradcheck(f, at)));
  EXPECT_TRUE(passes(gradgradcheck(f, at)));
}

TEST(CustomOp, TakesAnyNumberOfTensors) {
  const auto total = custom_op(
      "total",
      [](Forward&, std::span<const Tensor> parts) {
        Tensor result = parts[0];
        for (std::size_t i = 1; i < parts.size(); ++i) result = result + parts[i];
        return result;
      },
      [](Backward& ctx, const Tensor& diff) { return std::vector<Tensor>(ctx.input_count(), diff); });
  const std::vector<Tensor> parts{scalar(1).requires_grad_(), scalar(2), scalar(4).requires_grad_()};
  const Tensor y = total(parts);
  y.backward();
  EXPECT_EQ(y.item<float>(), 7);
  EXPECT_EQ(parts[2].grad().item<float>(), 1);
  // One input, which it returns as it came: the result is a tensor of its own.
  const Tensor same = total(std::span(parts).first(1));
  EXPECT_FALSE(same.is_same(parts[0]));
  EXPECT_EQ(same.node()->name(), "total");
  EXPECT_TRUE(parts[0].is_leaf());
}

TEST(CustomOp, MayKeepItsResult) {
  const auto exponential = custom_op(
      "exponential",
      [](Forward& ctx, const Tensor& x) {
        Tensor y = exp(x);
        ctx.save(y);
        return y;
      },
      [](Backward& ctx, const Tensor& diff) { return diff * ctx.saved(0); });
  const auto f = [&](std::span<const Tensor> in) { return exponential(in[0]); };
  EXPECT_TRUE(passes(gradgradcheck(f, {randn({3}, f64).requires_grad_()})));
}

struct Power {
  static constexpr std::string_view name = "power_of_mine";
  int exponent;
  Tensor forward(Forward& ctx, const Tensor& x) const {
    ctx.save(x);
    return pow(x, exponent);
  }
  void backward(Backward& ctx, const Tensor& diff) const {
    ctx.give(0, diff * exponent * apply(Power{exponent - 1}, Location::current(), ctx.saved(0)));
  }
};

TEST(CustomOp, WithStateIsAStruct) {
  const Tensor x = scalar(2, f64).requires_grad_();
  const Tensor d = grad(apply(Power{5}, Location::current(), x), x, {.create_graph = true});
  EXPECT_EQ(d.item<double>(), 80);
  EXPECT_EQ(grad(d, x).item<double>(), 160);
}

// --- what must not be silently wrong ---

TEST(CustomOp, RefusesTheSecondDerivativeOfAGradientThatIsNotMadeOfOps) {
  const auto raw = custom_op(
      "raw_square",
      [](Forward& ctx, const Tensor& x) {
        ctx.save(x);
        return x * x;
      },
      [](Backward& ctx, const Tensor& diff_dst) {
        const Tensor diff = contiguous(diff_dst), x = ctx.saved(0);
        Tensor result = zeros_like(x);
        for (std::int64_t i = 0; i < x.numel(); ++i)
          result.mutable_data<double>()[i] = 2 * x.data<double>()[i] * diff.data<double>()[i];
        return result;
      });
  const Tensor x = tensor({3, 4}, f64).requires_grad_();
  EXPECT_EQ(grad(sum(raw(x)), x).to_vector<double>(), (Doubles{6, 8}));
  const Tensor d = grad(sum(raw(x)), x, {.create_graph = true});
  EXPECT_EQ(d.to_vector<double>(), (Doubles{6, 8}));
  expect_error_with<GradientError>([&] { (void)grad(sum(d), x); },
                                   "raw_square: the second derivative is not defined: its backward computed the "
                                   "gradient outside of ops, recorded at");
  expect_error_with<GradientError>([&] { jvp([&](const Tensor& t) { return raw(t); }, x, x); },
                                   "raw_square: the second derivative is not defined");
}

TEST(CustomOp, RefusesTheDerivativeByASavedIntermediate) {
  const auto make = [](bool constant) {
    return custom_op(
        "tanh_times",
        [constant](Forward& ctx, const Tensor& x) {
          const Tensor t = tanh(x);
          constant ? ctx.save_constant(t) : ctx.save(t);  // neither an input nor an output
          return t * 2;
        },
        [](Backward& ctx, const Tensor& diff) { return diff * 2 * (1 - square(ctx.saved(0))); });
  };
  const Tensor x = scalar(0.5, f64).requires_grad_();
  const GradOptions recorded{.create_graph = true};
  const Tensor d = grad(make(false)(x), x, recorded);
  expect_error_with<GradientError>([&] { (void)grad(d, x, {.retain_graph = true}); },
                                   "tanh_times: the second derivative is not defined: saved tensor 0 of 'tanh_times'");
  expect_error_with<GradientError>([&] { (void)grad(d, x); }, "a workspace f64 [], is neither an input nor an output");
  // Taken at its word, and only the path that is left is differentiated.
  const Tensor by_cotangent = jvp(make(true), x, scalar(1, f64)).product;
  EXPECT_NEAR(by_cotangent.item<double>(), d.item<double>(), 1e-15);
}

TEST(CustomOp, MayBeOnceDifferentiable) {
  const auto once = custom_op(
      "once",
      [](Forward& ctx, const Tensor& x) {
        ctx.save(x);
        return x * x;
      },
      [](Backward& ctx, const Tensor& diff) {
        EXPECT_FALSE(grad_enabled());
        return diff * ctx.saved(0) * 2;
      },
      {.once_differentiable = true});
  const Tensor x = scalar(3, f64).requires_grad_();
  const Tensor d = grad(once(x) * x, x, {.create_graph = true});
  EXPECT_EQ(d.item<double>(), 27);
  expect_error_with<GradientError>([&] { (void)grad(d, x); },
                                   "once: the second derivative is not defined: the op is once differentiable, "
                                   "recorded at ");
}

struct OnceSquare {
  static constexpr std::string_view name = "once_square";
  static constexpr bool once_differentiable = true;
  Tensor forward(Forward& ctx, const Tensor& x) const {
    ctx.save(x);
    return x * x;
  }
  void backward(Backward& ctx, const Tensor& diff) const { ctx.give(0, diff * ctx.saved(0) * 2); }
};

TEST(OnceDifferentiable, IsAMemberOfTheStructForm) {
  const Tensor x = scalar(3, f64).requires_grad_(), w = scalar(2, f64).requires_grad_();
  const Tensor d = grad(apply(OnceSquare{}, Location::current(), x * w), x, {.create_graph = true});
  EXPECT_EQ(d.item<double>(), 24);
  expect_error_with<GradientError>([&] { (void)grad(d, x); }, "once_square: the second derivative is not defined");
  // Also where only the gradient that comes in depends on what is asked for.
  const Tensor v = scalar(5, f64).requires_grad_();
  const Tensor by_v = grad(std::vector{apply(OnceSquare{}, Location::current(), x)}, std::vector{x}, std::vector{v},
                           {.create_graph = true})[0];
  EXPECT_EQ(by_v.item<double>(), 30);
  expect_error_with<GradientError>([&] { (void)grad(by_v, v); }, "once_square: the second derivative is not defined");
}

TEST(OnceDifferentiable, LeavesOtherDerivativesAlone) {
  const Tensor x = scalar(3, f64).requires_grad_(), z = scalar(2, f64).requires_grad_();
  const Tensor y = apply(OnceSquare{}, Location::current(), x) + z * z * z;
  const auto d = grad(std::vector{y}, std::vector{x, z}, {}, {.create_graph = true});
  EXPECT_EQ(grad(d[1], z).item<double>(), 12);
}

TEST(CustomOp, SaysWhatIsWrong) {
  expect_error<UsageError>([] { cube(scalar(1), scalar(2)); }, "cube: 2 inputs (want 1)");
  const auto nothing = custom_op(
      "nothing", [](Forward&, const Tensor&) { return Tensor(); }, [](Backward&, const Tensor& diff) { return diff; });
  expect_error<UsageError>([&] { nothing(scalar(1)); },
                           "nothing: its forward gave no tensor as output 0 (want a defined one)");
  const auto generous = custom_op(
      "generous", [](Forward&, const Tensor& x) { return x * 2; },
      [](Backward&, const Tensor& diff) {
        return std::vector<Tensor>{diff, diff};
      });
  const Tensor y = generous(scalar(1).requires_grad_());
  expect_error<UsageError>([&] { y.backward(); },
                           "generous: its backward gave 2 gradients for 1 inputs (want one each, undefined where there "
                           "is none, or ctx.give())");
  const auto stingy = custom_op(
      "stingy", [](Forward&, const Tensor& a, const Tensor& b) { return a * b; },
      [](Backward&, const Tensor& diff) { return diff; });
  const Tensor product = stingy(scalar(1), scalar(2).requires_grad_());
  expect_error<UsageError>(
      [&] { product.backward(); },
      "stingy: its backward gave 1 gradients for 2 inputs (want one each, undefined where there is "
      "none, or ctx.give())");
}

TEST(CustomOp, RefusesMoreOutputsAndSavedTensorsThanANodeCounts) {
  const auto many = custom_op(
      "many",
      [](Forward& ctx, const Tensor& saved, const Tensor& given) {
        for (int i = 0; i < saved.item<int>(); ++i) ctx.save(saved);
        return std::vector<Tensor>(static_cast<std::size_t>(given.item<int>()), given);
      },
      [](Backward& ctx, std::span<const Tensor> diff) { ctx.give(1, diff.back()); });
  const auto leaf = [](double value) { return scalar(value).requires_grad_(); };
  const Tensor few = leaf(2);
  many(scalar(65'535), few).back().backward();
  EXPECT_EQ(few.grad().item<float>(), 1);
  expect_error_with<UsageError>([&] { many(scalar(1), leaf(65'536)); },
                                ": 65536 outputs, 1 saved tensors (want at most 65535 of each)");
  expect_error_with<UsageError>([&] { many(scalar(65'536), leaf(1)); },
                                ": 1 outputs, 65536 saved tensors (want at most 65535 of each)");
}

TEST(CustomOp, NamesASavedTensorAndAnInputThatAreNotThere) {
  const auto forgetful = custom_op(
      "forgetful", [](Forward&, const Tensor& x) { return x * x; },
      [](Backward& ctx, const Tensor& diff) { return diff * ctx.saved(0) * 2; });
  expect_error<UsageError>([&] { forgetful(scalar(1).requires_grad_()).backward(); },
                           "forgetful: its backward asked for saved tensor 0, its forward saved 0 (want ctx.save() for "
                           "each, in the same order)");
  const auto off_by_one = custom_op(
      "off_by_one", [](Forward&, const Tensor& x) { return x * 2; },
      [](Backward& ctx, const Tensor& diff) { ctx.give(1, diff * 2); });
  expect_error<UsageError>([&] { off_by_one(scalar(1).requires_grad_()).backward(); },
                           "off_by_one: its backward gave input 1 a gradient, it has 1 inputs (want them counted from "
                           "0)");
}

}  // namespace
}  // namespace dagrad
