// Proof that the checker checks: ops with faults built in, each of which must be found.
#include <cmath>
#include <gtest/gtest.h>
#include <memory>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

using Inputs = std::span<const Tensor>;

/// An op whose two halves have nothing to do with each other.
struct Fake {
  static constexpr std::string_view name = "fake";
  std::function<Tensor(Inputs)> compute;
  std::function<void(Backward&, const Tensor& diff_dst)> differentiate;

  Spec infer(Inputs src) const { return compute(src).spec(); }
  void forward(Forward& ctx, Inputs src, Tensor& dst) const {
    for (const Tensor& t : src) ctx.save(t);
    dst.copy_(compute(src));
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const { differentiate(ctx, diff_dst); }
};

using Differentiate = std::function<void(Backward&, const Tensor&)>;

/// The function that calls such an op.
std::function<Tensor(Inputs)> fake(const std::function<Tensor(Inputs)>& compute, const Differentiate& differentiate) {
  return [=](Inputs in) {
    // As infer() runs compute as well, with recording switched on.
    const auto unrecorded = [compute](Inputs src) {
      const NoGrad guard;
      return compute(src);
    };
    return apply(Fake{unrecorded, differentiate}, Location::current(), in);
  };
}

/// x -> x^3 elementwise, whose derivative is left to the caller.
std::function<Tensor(Inputs)> fake_cube(const std::function<Tensor(const Tensor& x, const Tensor& diff)>& gradient) {
  return fake([](Inputs in) { return in[0] * in[0] * in[0]; },
              [gradient](Backward& ctx, const Tensor& diff) { ctx.give(0, gradient(ctx.saved(0), diff)); });
}

Tensor cube_gradient(const Tensor& x, const Tensor& diff) { return diff * square(x) * 3; }

Tensor leaf(std::initializer_list<double> values, const Shape& shape) {
  return tensor(values, shape, f64).requires_grad_();
}
Tensor sample() { return leaf({-1.5, 0.4, 0.9, 2}, {2, 2}); }
Tensor random_leaf(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return randn(shape, f64, generator).requires_grad_();
}

/// Whether the verdict is wrong and the report holds `part`.
::testing::AssertionResult is_wrong(const GradcheckResult& result, const std::string& part = "") {
  const std::string report = result.report();
  if (result.verdict != GradcheckVerdict::wrong) return ::testing::AssertionFailure() << report;
  if (report.find(part) == std::string::npos)
    return ::testing::AssertionFailure() << report << "wanted in it: " << part;
  return ::testing::AssertionSuccess() << report;
}

// First of all, the harness itself is right when the backward is.
TEST(GradcheckFaults, PassWithoutAFault) {
  EXPECT_TRUE(passes(gradcheck(fake_cube(cube_gradient), {sample()})));
  EXPECT_TRUE(passes(gradgradcheck(fake_cube(cube_gradient), {sample()})));
}

TEST(GradcheckFaults, Sign) {
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) { return neg(cube_gradient(x, diff)); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "analytic = -1 x numeric"));
}

TEST(GradcheckFaults, FactorOfTwo) {
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff) * 2; });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "analytic = 2 x numeric"));
}

TEST(GradcheckFaults, MissingTerm) {
  // d(x y + y^2) / dy = x + 2 y
  const auto f = fake([](Inputs in) { return in[0] * in[1] + square(in[1]); },
                      [](Backward& ctx, const Tensor& diff) {
                        ctx.give(0, diff * ctx.saved(1));
                        ctx.give(1, diff * ctx.saved(0));
                      });
  const GradcheckResult result = gradcheck(f, {sample(), random_leaf({2, 2}, 1)});
  EXPECT_TRUE(is_wrong(result));
  EXPECT_EQ(result.inputs[0].wrong, 0);
  EXPECT_EQ(result.inputs[1].wrong, 4);
}

TEST(GradcheckFaults, TransposedGradient) {
  const auto f = fake([](Inputs in) { return matmul(in[0], in[1]); },
                      [](Backward& ctx, const Tensor& diff) {
                        ctx.give(0, matmul(diff, ctx.saved(1)));  // wants b transposed
                        ctx.give(1, matmul(transpose(ctx.saved(0)), diff));
                      });
  const GradcheckResult result = gradcheck(f, {random_leaf({3, 3}, 2), random_leaf({3, 3}, 3)});
  EXPECT_TRUE(is_wrong(result));
  EXPECT_EQ(result.inputs[1].wrong, 0);
}

TEST(GradcheckFaults, WrongAxis) {
  // Softmax over the last axis of a square, its backward over the first.
  const auto softmax_over = [](const Tensor& x, std::int64_t axis) { return exp(log_softmax(x, axis)); };
  const auto f = fake([=](Inputs in) { return softmax_over(in[0], 1); },
                      [=](Backward& ctx, const Tensor& diff) {
                        const Tensor p = softmax_over(ctx.saved(0), 1);
                        ctx.give(0, p * (diff - sum(p * diff, {0}, true)));
                      });
  EXPECT_TRUE(is_wrong(gradcheck(f, {random_leaf({3, 3}, 4)})));
}

TEST(GradcheckFaults, DroppedSumOfABroadcast) {
  const auto f = fake([](Inputs in) { return in[0] * in[1]; },  // [3, 2] * [1, 2]
                      [](Backward& ctx, const Tensor& diff) {
                        ctx.give(0, diff * ctx.saved(1));
                        ctx.give(1, slice(diff * ctx.saved(0), 0, 0, 1));
                      });
  const GradcheckResult result = gradcheck(f, {random_leaf({3, 2}, 5), random_leaf({1, 2}, 6)});
  EXPECT_TRUE(is_wrong(result, "missing"));
  EXPECT_EQ(result.inputs[0].wrong, 0);
}

TEST(GradcheckFaults, GradientOfTheShapeBeforeBroadcasting) {
  const auto f = fake([](Inputs in) { return in[0] * in[1]; },
                      [](Backward& ctx, const Tensor& diff) { ctx.give(1, diff * ctx.saved(0)); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {random_leaf({3, 2}, 7), random_leaf({1, 2}, 8)}),
                       "wrong: backward threw: fake: its backward gave input 1 a gradient of f64 [3, 2] (want f64 [1, "
                       "2] like the input)"));
}

TEST(GradcheckFaults, OneElementOffByOnePartInTenThousand) {
  const Tensor factor = tensor({1, 1, 1.0001, 1}, {2, 2}, f64);
  const auto f = fake_cube([=](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff) * factor; });
  const GradcheckResult result = gradcheck(f, {sample()});
  EXPECT_TRUE(is_wrong(result, "analytic = 1.0001 x numeric"));
  EXPECT_EQ(result.inputs[0].wrong, 1);
  EXPECT_EQ(result.inputs[0].worst->input_index, (Shape{1, 0}));
  EXPECT_EQ(result.inputs[0].worst->output_index, (Shape{1, 0}));
}

TEST(GradcheckFaults, OffByMoreThanTheRelativeTolerance) {
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff) * (1 + 3e-7); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()})));
  const auto g = fake_cube([](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff) * (1 + 3e-8); });
  EXPECT_TRUE(passes(gradcheck(g, {sample()})));
}

TEST(GradcheckFaults, SmallGradientsAreNotExcusedByTheirSize) {
  for (const double scale : {1e-7, 1e-12, 1e-100}) {
    const auto compute = [=](Inputs in) { return in[0] * in[0] * in[0] * scale; };
    for (const double factor : {0.0, -1.0, 2.0, 0.5}) {
      const auto f = fake(compute, [=](Backward& ctx, const Tensor& diff) {
        ctx.give(0, cube_gradient(ctx.saved(0), diff) * (scale * factor));
      });
      EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}))) << scale << " " << factor;
    }
  }
}

TEST(GradcheckFaults, TinyElementBesideALargeOne) {
  for (const double scale : {1e-7, 1e-13}) {
    const Tensor weights = tensor({1, scale}, f64);
    for (const double factor : {0.0, -1.0, 2.0}) {
      const Tensor given = tensor({1, factor * scale}, f64);
      const auto f = fake([=](Inputs in) { return in[0] * weights; },
                          [=](Backward& ctx, const Tensor& diff) { ctx.give(0, diff * given); });
      const GradcheckResult result = gradcheck(f, {leaf({0.3, 0.7}, {2})});
      EXPECT_TRUE(is_wrong(result)) << scale << " " << factor;
      EXPECT_EQ(result.inputs[0].wrong, 1);
      EXPECT_EQ(result.inputs[0].worst->input_index, (Shape{1}));
    }
  }
}

TEST(GradcheckFaults, TinyTermOfALargeSum) {
  const auto sum_of = [](double scale) {
    const Tensor weights = tensor({1, scale}, f64);
    return fake([=](Inputs in) { return sum(in[0] * weights); },
                [](Backward& ctx, const Tensor& diff) {
                  ctx.give(0, diff * tensor({1, 0}, f64));
                });
  };
  EXPECT_TRUE(is_wrong(gradcheck(sum_of(1e-7), {leaf({0.3, 0.7}, {2})}), "missing"));
  EXPECT_TRUE(is_wrong(gradcheck(sum_of(1e-11), {leaf({0.3, 0.7}, {2})}), "missing"));
}

TEST(GradcheckFaults, DifferencesBelowTheRoundingOfBackwardAreNotCertified) {
  const auto f = fake(
      [](Inputs in) {
        return in[0] * tensor({1, 1e-15}, f64);
      },
      [](Backward& ctx, const Tensor& diff) {
        ctx.give(0, diff * tensor({1, 0}, f64));
      });
  EXPECT_FALSE(passes(gradcheck(f, {leaf({0.3, 0.7}, {2})})));
}

TEST(GradcheckFaults, GradientWhereThereIsNone) {
  const auto f = fake(
      [](Inputs in) {
        return in[0] * tensor({1, 0}, f64);
      },
      [](Backward& ctx, const Tensor& diff) {
        ctx.give(0, diff * tensor({1, 1e-9}, f64));
      });
  EXPECT_TRUE(is_wrong(gradcheck(f, {leaf({0.3, 0.7}, {2})}), "should be zero"));
}

TEST(GradcheckFaults, NoGradientAtAll) {
  const auto f = fake([](Inputs in) { return in[0] * in[1]; },
                      [](Backward& ctx, const Tensor& diff) { ctx.give(0, diff * ctx.saved(1)); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample(), random_leaf({2, 2}, 9)}), "missing"));
  const auto detached = [](Inputs in) { return in[0] * exp(in[1].detach()); };
  EXPECT_TRUE(is_wrong(gradcheck(detached, {sample(), random_leaf({2, 2}, 10)}),
                       "wrong: no gradient comes to input 1, on which the function depends"));
}

TEST(GradcheckFaults, NaNGradients) {
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) { return diff * (x - x) / (x - x); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "not finite"));
  // The norm's derivative x / |x| at zero, where 0 is a subgradient and NaN is none.
  const auto norm = [](Inputs in) { return sqrt(sum(square(in[0]))); };
  const auto g = fake(norm, [=](Backward& ctx, const Tensor& diff) {
    const Tensor x = ctx.saved(0);
    ctx.give(0, diff * x / sqrt(sum(square(x))));
  });
  EXPECT_TRUE(is_wrong(gradcheck(g, {leaf({0, 0}, {2})})));
}

TEST(GradcheckFaults, SlopeThatNoKinkExplains) {
  const auto f =
      fake([](Inputs in) { return relu(in[0]); }, [](Backward& ctx, const Tensor& diff) { ctx.give(0, diff * 3); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {leaf({0}, {1})})));
}

TEST(GradcheckFaults, BufferOfTheFirstCall) {
  // Computes the gradient once and gives it again whatever the cotangent.
  const auto f = [](Inputs in) {
    const auto kept = std::make_shared<Tensor>();
    return fake_cube([kept](const Tensor& x, const Tensor& diff) {
      if (!kept->defined()) *kept = cube_gradient(x, diff);
      return *kept;
    })(in);
  };
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()})));
  EXPECT_TRUE(is_wrong(gradcheck(f, {leaf({2}, {1})}), "backward is not linear in its cotangents"));
}

TEST(GradcheckFaults, BufferThatIsWrittenAgain) {
  // Gives one and the same buffer at every call, right each time until the next call.
  const auto buffer = std::make_shared<Tensor>(zeros({2, 2}, f64));
  const auto f = fake_cube([buffer](const Tensor& x, const Tensor& diff) {
    buffer->copy_(cube_gradient(x, diff));
    return *buffer;
  });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "which changed after the next backward"));
}

TEST(GradcheckFaults, BufferThatAddsUp) {
  const auto f = [](Inputs in) {
    const auto total = std::make_shared<Tensor>(zeros({2, 2}, f64));
    return fake_cube([total](const Tensor& x, const Tensor& diff) {
      *total = *total + cube_gradient(x, diff);
      return *total;
    })(in);
  };
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "the second time on one graph"));
}

TEST(GradcheckFaults, BufferThatGraphsShare) {
  // Keeps x outside of the node, where the next forward overwrites it.
  const auto kept = std::make_shared<Tensor>();
  const auto f = [kept](Inputs in) {
    *kept = clone(in[0].detach());
    return fake_cube([kept](const Tensor&, const Tensor& diff) { return cube_gradient(*kept, diff); })(in);
  };
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "after the function ran on other values"));
}

TEST(GradcheckFaults, AnotherGradientOnEverySecondGraph) {
  const auto calls = std::make_shared<int>(0);
  const auto f = [calls](Inputs in) {
    const double factor = ++*calls % 2 + 1;
    return fake_cube([factor](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff) * factor; })(in);
  };
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "on a fresh graph"));
}

TEST(GradcheckFaults, StridesThatBackwardDoesNotReadBy) {
  // Reads the cotangent's memory as if it were row-major.
  const auto flat = [](const Tensor& t) { return t.alias(t.shape(), contiguous_strides(t.shape()), t.offset()); };
  const auto f = fake_cube([=](const Tensor& x, const Tensor& diff) {
    const bool room = diff.storage()->bytes() >= static_cast<std::size_t>(diff.offset()) * 8 + diff.bytes();
    return cube_gradient(x, room ? flat(diff) : diff);
  });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "from strided cotangents"));
  const auto g = fake_cube([=](const Tensor& x, const Tensor& diff) {
    const bool expanded = diff.strides()[0] == 0;
    return cube_gradient(x, expanded ? diff * 4 : diff);
  });
  EXPECT_TRUE(is_wrong(gradcheck(g, {sample()}), "from expanded cotangents"));
}

TEST(GradcheckFaults, BackwardThatChangesWhatIsNotItsOwn) {
  const auto cotangent = fake_cube([](const Tensor& x, const Tensor& diff) {
    const Tensor gradient = cube_gradient(x, diff);
    Tensor own = diff;
    if (own.is_contiguous()) own.fill_(0);
    return gradient;
  });
  EXPECT_TRUE(is_wrong(gradcheck(cotangent, {sample()}), "backward changed the cotangents it was given"));
  const auto scratch = tensor({1, 2}, f64);
  const auto input = fake([](Inputs in) { return square(in[0]) + 0 * sum(in[1]); },
                          [](Backward& ctx, const Tensor& diff) {
                            ctx.give(0, diff * ctx.saved(0) * 2);
                            // Past the version counter, as through a pointer that was kept.
                            const_cast<double*>(ctx.saved(1).data<double>())[0] += 1;
                          });
  EXPECT_TRUE(is_wrong(gradcheck(input, {sample(), scratch}), "backward changed input 1 in place"));
}

TEST(GradcheckFaults, BackwardThatThrows) {
  const auto f = fake_cube([](const Tensor&, const Tensor&) -> Tensor { throw GradientError("no derivative yet"); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "wrong: backward threw: no derivative yet"));
  EXPECT_TRUE(
      is_wrong(gradgradcheck(f, {sample()}), "wrong: the first backward, with create_graph, threw: no derivative yet"));
}

TEST(GradcheckFaults, BackwardThatIsNotLinear) {
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) { return cube_gradient(x, diff * square(diff)); });
  EXPECT_TRUE(is_wrong(gradcheck(f, {sample()}), "backward is not linear in its cotangents"));
}

TEST(GradcheckFaults, SecondOrderOnly) {
  // A backward whose own values are right and whose graph misses the part through x.
  const auto cut = fake_cube([](const Tensor& x, const Tensor& diff) { return cube_gradient(x.detach(), diff); });
  EXPECT_TRUE(passes(gradcheck(cut, {sample()})));
  EXPECT_TRUE(is_wrong(gradgradcheck(cut, {sample()}), "missing"));
  // And one that computes by a kernel with a wrong backward of its own: twice the second derivative.
  const auto doubled = fake_cube([](const Tensor& x, const Tensor& diff) {
    return diff * fake([](Inputs in) { return square(in[0]) * 3; },
                       [](Backward& ctx, const Tensor& second) { ctx.give(0, second * ctx.saved(0) * 12); })(
                      std::vector<Tensor>{x});
  });
  EXPECT_TRUE(passes(gradcheck(doubled, {sample()})));
  EXPECT_TRUE(is_wrong(gradgradcheck(doubled, {sample()}), "analytic = 2 x numeric"));
}

TEST(GradcheckFaults, BackwardInRawLoops) {
  // Right values without history: a missing second derivative, not a zero one.
  const auto f = fake_cube([](const Tensor& x, const Tensor& diff) {
    const NoGrad guard;
    return cube_gradient(x, diff);
  });
  EXPECT_TRUE(passes(gradcheck(f, {sample()})));
  EXPECT_TRUE(is_wrong(gradgradcheck(f, {sample()})));
}

}  // namespace
}  // namespace dagrad
