#include "dagrad/core/gradcheck.h"

#include <cmath>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Inputs = std::span<const Tensor>;

Tensor leaf(std::initializer_list<double> values, const Shape& shape) {
  return tensor(values, shape, f64).requires_grad_();
}
Tensor leaf(double value) { return scalar(value, f64).requires_grad_(); }
Tensor random_leaf(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return randn(shape, f64, generator).requires_grad_();
}

Tensor exp_twenty(Inputs in) { return exp(in[0] * 20); }
Tensor tanh_of(Inputs in) { return tanh(in[0]); }
Tensor relu_of(Inputs in) { return relu(in[0]); }

::testing::AssertionResult cannot_tell(const GradcheckResult& result) {
  return (result.verdict == GradcheckVerdict::cannot_tell ? ::testing::AssertionSuccess()
                                                          : ::testing::AssertionFailure())
         << result.report();
}

// --- what is right ---

TEST(Gradcheck, PassesSmoothFunctionsOfBothOrders) {
  const Tensor x = random_leaf({2, 3}, 1), w = random_leaf({3, 2}, 2);
  const auto f = [](Inputs in) { return tanh(matmul(in[0], in[1])) * 2; };
  EXPECT_TRUE(passes(gradcheck(f, {x, w})));
  EXPECT_TRUE(passes(gradgradcheck(f, {x, w})));
}

TEST(Gradcheck, PassesStiffFunctions) {
  const Tensor x = leaf({-1, 0.3, 1.2}, {3});
  EXPECT_TRUE(passes(gradcheck(exp_twenty, {x})));
  EXPECT_TRUE(passes(gradgradcheck(exp_twenty, {x})));
  const auto steep = [](Inputs in) { return tanh(in[0] * 1e8); };
  EXPECT_TRUE(passes(gradcheck(steep, {leaf({1e-9, -2e-8}, {2})})));
}

TEST(Gradcheck, PassesTinyAndLargeFunctions) {
  const Tensor x = leaf({-1, 0.3, 1.2}, {3});
  for (const double scale : {1e-8, 1e-200, 1e8, 1e200}) {
    const auto f = [scale](Inputs in) { return tanh(in[0]) * scale; };
    EXPECT_TRUE(passes(gradcheck(f, {x}))) << scale;
    EXPECT_TRUE(passes(gradgradcheck(f, {x}))) << scale;
  }
  EXPECT_TRUE(passes(gradcheck([](Inputs in) { return square(in[0]); }, {leaf({1e8, -3e8, 1e-8}, {3})})));
}

TEST(Gradcheck, PassesNearTheEdgeOfTheDomain) {
  const auto f = [](Inputs in) { return log(in[0]) + sqrt(in[0]); };
  EXPECT_TRUE(passes(gradcheck(f, {leaf({1e-3, 0.02, 5}, {3})})));
}

TEST(Gradcheck, PassesNextToAKink) { EXPECT_TRUE(passes(gradcheck(relu_of, {leaf({1e-3, -1e-4, 2}, {3})}))); }

TEST(Gradcheck, ConfirmsZerosAmongOthers) {
  // The sum of a softmax does not change; its values carry rounding errors all the same.
  const auto f = [](Inputs in) {
    const Tensor p = exp(log_softmax(in[0]));
    return std::vector<Tensor>{p, sum(p, {1})};
  };
  EXPECT_TRUE(passes(gradcheck(f, {random_leaf({2, 5}, 3)})));
  // Saturated elements next to live ones, and an output that an input has no part in.
  const auto g = [](Inputs in) { return std::vector<Tensor>{relu(in[0]) + 5, in[1] * 1e6}; };
  EXPECT_TRUE(passes(gradcheck(g, {leaf({-1, 2}, {2}), leaf({-1, 2}, {2})})));
}

TEST(Gradcheck, PassesSeveralOutputsAndIgnoresIntegersAndConstants) {
  const auto f = [](Inputs in) {
    return std::vector<Tensor>{in[0] * in[1], argmax(in[0]), in[0].detach(), Tensor(), sum(in[0])};
  };
  const GradcheckResult result = gradcheck(f, {random_leaf({3}, 4), random_leaf({3}, 5)});
  EXPECT_TRUE(passes(result));
  EXPECT_EQ(result.inputs[0].right, 3 * 3 + 3);
  EXPECT_EQ(result.output_names[4], "output 4");
}

TEST(Gradcheck, ChecksOnlyInputsThatRequireAGradient) {
  const Tensor constant = tensor({1, 2, 3}, f64), index = tensor({1}, i64);
  const auto f = [](Inputs in) { return in[0] * in[1]; };
  const GradcheckResult result = gradcheck(f, {constant, random_leaf({3}, 6), index});
  EXPECT_TRUE(passes(result));
  ASSERT_EQ(result.inputs.size(), 1u);
  EXPECT_EQ(result.inputs[0].input, 1u);
  EXPECT_EQ(result.inputs[0].name, "input 1");
}

TEST(Gradcheck, MovesATensorThatIsPassedTwiceInBothPlaces) {
  const Tensor x = random_leaf({3}, 7);
  const auto f = [](Inputs in) { return in[0] * exp(in[1]); };
  const GradcheckResult result = gradcheck(f, {x, x});
  EXPECT_TRUE(passes(result));
  EXPECT_EQ(result.inputs.size(), 1u);
  EXPECT_TRUE(passes(gradgradcheck(f, {x, x})));
}

TEST(Gradcheck, SeesParametersThatTheFunctionReachesItself) {
  const Tensor x = random_leaf({2, 3}, 8), w = random_leaf({4, 3}, 9);
  EXPECT_TRUE(passes(gradcheck([&](Inputs in) { return linear(in[0], w); }, {x, w})));
}

TEST(Gradcheck, TakesInputsOfAnyStrides) {
  const Tensor wide = random_leaf({4, 6}, 10).detach();
  Tensor columns = wide.alias({3, 4}, {1, 6}, 2);
  const Tensor before = clone(wide);
  EXPECT_TRUE(passes(gradcheck(tanh_of, {columns.requires_grad_()})));
  EXPECT_EQ(wide.to_vector<double>(), before.to_vector<double>());
}

TEST(Gradcheck, TakesScalarsAndEmptyTensors) {
  EXPECT_TRUE(passes(gradcheck(tanh_of, {leaf(0.3)})));
  EXPECT_TRUE(passes(gradgradcheck(tanh_of, {leaf(0.3)})));
  const GradcheckResult result = gradcheck(tanh_of, {zeros({2, 0}, f64).requires_grad_()});
  EXPECT_TRUE(passes(result));
  EXPECT_EQ(result.inputs[0].right, 0);
  EXPECT_TRUE(passes(gradgradcheck(tanh_of, {zeros({2, 0}, f64).requires_grad_()})));
  EXPECT_TRUE(passes(gradcheck([](Inputs in) { return sum(in[0]); }, {zeros({0}, f64).requires_grad_()})));
}

TEST(Gradcheck, TakesFunctionsThatReturnTheirInput) {
  EXPECT_TRUE(passes(gradcheck([](Inputs in) { return in[0]; }, {random_leaf({3}, 11)})));
}

TEST(Gradcheck, TakesFunctionsOfOneToFourTensors) {
  const Tensor a = leaf({0.5, 2}, {2}), b = leaf({1, -3}, {2}), c = leaf({2, 0.25}, {2}), d = leaf({-1, 1}, {2});
  const auto one = [](const Tensor& x) { return exp(x); };
  const auto two = [](const Tensor& x, const Tensor& y) { return std::vector{x * y, exp(x - y)}; };
  const auto three = [](const Tensor& x, const Tensor& y, const Tensor& z) { return x * y * z; };
  const auto four = [](const Tensor& x, const Tensor& y, const Tensor& z, const Tensor& w) { return x * y + z * w; };
  EXPECT_TRUE(passes(gradcheck(one, {a})));
  EXPECT_TRUE(passes(gradcheck(two, {a, b})));
  EXPECT_TRUE(passes(gradgradcheck(two, {a, b})));
  EXPECT_TRUE(passes(gradcheck(three, {a, b, c})));
  EXPECT_TRUE(passes(gradcheck(four, {a, b, c, d})));
  expect_error<UsageError>([&] { (void)gradcheck(two, {a}); },
                           "gradcheck: 1 inputs for a function of 2 (want one each)");
  expect_error<UsageError>(
      [&] {
        (void)gradgradcheck(two, {a, b, c});
      },
      "gradgradcheck: 3 inputs for a function of 2 (want one each)");
}

TEST(Gradcheck, PassesSecondOrderOfLinearFunctions) {
  const auto f = [](Inputs in) { return in[0] * 3 - in[1]; };
  const GradcheckResult result = gradgradcheck(f, {random_leaf({2}, 12), random_leaf({2}, 13)});
  EXPECT_TRUE(passes(result));
  ASSERT_EQ(result.inputs.size(), 3u);
  EXPECT_EQ(result.inputs[2].name, "cotangent 0");
  EXPECT_EQ(result.output_names[1], "gradient of input 1");
}

TEST(Gradcheck, LeavesInputsAndTheirGradAsTheyWere) {
  const Tensor x = random_leaf({3}, 14);
  const std::vector<double> before = x.to_vector<double>();
  EXPECT_TRUE(passes(gradcheck(tanh_of, {x})));
  EXPECT_TRUE(passes(gradgradcheck(tanh_of, {x})));
  EXPECT_EQ(x.to_vector<double>(), before);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Gradcheck, ChecksSomeElementsWhenAskedTo) {
  const Tensor x = random_leaf({20}, 15);
  const GradcheckResult result = gradcheck(tanh_of, {x}, {.max_elements = 20});
  EXPECT_TRUE(passes(result));
  EXPECT_EQ(result.inputs[0].right, 400);
  const GradcheckResult some =
      gradcheck([](Inputs in) { return matmul(in[0], in[0]); }, {random_leaf({5, 5}, 16)}, {.max_elements = 10});
  EXPECT_EQ(some.inputs[0].right, 100);
  EXPECT_TRUE(passes(some));
}

TEST(Gradcheck, GivesTheSameResultAgain) {
  const Tensor x = random_leaf({4}, 17);
  EXPECT_EQ(gradgradcheck(tanh_of, {x}).report(), gradgradcheck(tanh_of, {x}).report());
}

// --- what cannot be told ---

TEST(Gradcheck, CannotTellAtKinks) {
  EXPECT_TRUE(cannot_tell(gradcheck(relu_of, {leaf({0, 1}, {2})})));
  EXPECT_TRUE(cannot_tell(gradcheck(relu_of, {leaf({-0.0, 1, 1e-16}, {3})})));
  const auto abs = [](Inputs in) { return relu(in[0]) + relu(neg(in[0])); };
  EXPECT_TRUE(cannot_tell(gradcheck(abs, {leaf({0, 1}, {2})})));
  const auto max_of = [](Inputs in) { return max(in[0]); };
  EXPECT_TRUE(cannot_tell(gradcheck(max_of, {leaf({2, 1, 2}, {3})})));
  const auto squared = [](Inputs in) { return square(relu(in[0])); };
  EXPECT_TRUE(cannot_tell(gradgradcheck(squared, {leaf({0, 1}, {2})})));
}

TEST(Gradcheck, CountsWhatItCouldTellNextToAKink) {
  const GradcheckResult result = gradcheck(relu_of, {leaf({0, 1, -1}, {3})});
  EXPECT_EQ(result.inputs[0].cannot_tell, 1);
  EXPECT_EQ(result.inputs[0].right, 8);
  EXPECT_EQ(result.inputs[0].worst->input_index, (Shape{0}));
  EXPECT_EQ(result.inputs[0].worst->verdict, GradcheckVerdict::cannot_tell);
}

TEST(Gradcheck, CannotTellWhereValuesAreNotFinite) {
  EXPECT_TRUE(cannot_tell(gradcheck([](Inputs in) { return sqrt(in[0]); }, {leaf({0, 4}, {2})})));
  EXPECT_TRUE(cannot_tell(gradcheck([](Inputs in) { return log(in[0]); }, {leaf({-1, 4}, {2})})));
  EXPECT_TRUE(cannot_tell(gradcheck([](Inputs in) { return 1 / in[0]; }, {leaf(0)})));
}

TEST(Gradcheck, CannotTellWhenNoiseHidesTheDerivative) {
  const auto rounded_to_float = [](Inputs in) { return to(to(tanh(in[0]), f32), f64); };
  EXPECT_TRUE(cannot_tell(gradcheck(rounded_to_float, {leaf({0.3, 0.7}, {2})})));
  const auto far_away = [](Inputs in) { return in[0] * 1e-8 + 1e8; };
  EXPECT_TRUE(cannot_tell(gradcheck(far_away, {leaf({0.3, 0.7}, {2})})));
}

TEST(Gradcheck, CannotTellFromAZeroJacobian) {
  const Tensor x = random_leaf({2, 5}, 18), unused = random_leaf({2}, 19);
  const auto constant = [](Inputs in) { return sum(exp(log_softmax(in[0])), {1}); };
  EXPECT_TRUE(cannot_tell(gradcheck(constant, {x})));
  EXPECT_TRUE(passes(gradcheck(constant, {x}, {.allow_zero_jacobian = true})));
  const GradcheckResult ignoring = gradcheck(tanh_of, {x, unused});
  EXPECT_TRUE(cannot_tell(ignoring));
  ASSERT_EQ(ignoring.problems.size(), 1u);
  EXPECT_EQ(ignoring.problems[0].text,
            "(nearly) all derivatives by input 1 are zero: not tested (want other values, or allow_zero_jacobian)");
  EXPECT_TRUE(passes(gradcheck(tanh_of, {x, unused}, {.allow_zero_jacobian = true})));
}

TEST(Gradcheck, CannotTellWhenNothingIsRecorded) {
  const auto f = [](Inputs in) { return tanh(in[0].detach()); };
  EXPECT_TRUE(cannot_tell(gradcheck(f, {leaf(1)})));
  EXPECT_TRUE(cannot_tell(gradgradcheck(f, {leaf(1)})));
  const Tensor elsewhere = leaf(2);
  EXPECT_TRUE(cannot_tell(gradgradcheck([&](Inputs) { return tanh(elsewhere); }, {leaf(1)})));
}

TEST(Gradcheck, CannotTellFromAFunctionThatChanges) {
  Generator generator(20);
  const auto dropout = [&](Inputs in) { return in[0] * rand(in[0].shape(), f64, generator); };
  EXPECT_TRUE(cannot_tell(gradcheck(dropout, {random_leaf({3}, 21)})));
  const auto meddling = [](Inputs in) {
    Tensor buffer = in[1];
    buffer.fill_(buffer.item<double>() + 1);
    return tanh(in[0]);
  };
  const GradcheckResult result = gradcheck(meddling, {random_leaf({3}, 22), scalar(0, f64)});
  EXPECT_TRUE(cannot_tell(result));
  EXPECT_NE(result.report().find("the function changes input 1 in place"), std::string::npos) << result.report();
}

// --- what it refuses ---

TEST(Gradcheck, RefusesInputsItCannotCheck) {
  const Tensor x = leaf({1, 2}, {2});
  expect_error<UsageError>([&] { (void)gradcheck(tanh_of, {x.detach()}); },
                           "gradcheck: none of 1 inputs requires a gradient (want requires_grad_() on those to check)");
  expect_error<DTypeError>([&] { (void)gradcheck(tanh_of, {ones({2}).requires_grad_()}); },
                           "gradcheck: input 0 is f32 (want f64: finite differences lose half of the digits)");
  expect_error<UsageError>([&] { (void)gradgradcheck(tanh_of, {x * 2}); },
                           "gradgradcheck: input 0, shape [2], is a result of 'mul_number' (want a leaf: detach() and "
                           "requires_grad_())");
  Tensor expanded = scalar(1, f64).alias({3}, {0}, 0);
  expect_error<UsageError>([&] { (void)gradcheck(tanh_of, {expanded.requires_grad_()}); },
                           "gradcheck: elements of input 0 overlap: shape [3], strides [0] (want an own place for "
                           "each)");
  expect_error<UsageError>(
      [&] {
        (void)gradcheck(tanh_of, {x, x.detach()});
      },
      "gradcheck: inputs 0 and 1 share memory, so differences move both (want a copy, or the very "
      "same tensor)");
  expect_error<DTypeError>([&] { (void)gradcheck([](Inputs in) { return to(in[0], f32); }, {x}); },
                           "gradcheck: output 0 is f32 (want f64: finite differences lose half of the digits)");
  expect_error<UsageError>([&] { (void)gradcheck(tanh_of, {x}, {.step = 0}); },
                           "gradcheck: step is 0 (want a positive number)");
}

TEST(Gradcheck, LetsErrorsOfTheFunctionThrough) {
  const Tensor a = leaf({1, 2}, {2}), b = leaf({1, 2, 3}, {3});
  const auto f = [](Inputs in) { return in[0] + in[1]; };
  EXPECT_THROW((void)gradcheck(f, {a, b}), ShapeError);
  EXPECT_THROW((void)gradgradcheck(f, {a, b}), ShapeError);
}

TEST(Gradcheck, TakesPartsOfOneStorageThatDoNotMeet) {
  const Tensor both = tensor({1, 2, 3, 4}, f64);
  Tensor left = both.alias({2}, {1}, 0), right = both.alias({2}, {1}, 2);
  const auto f = [](Inputs in) { return in[0] * in[1]; };
  EXPECT_TRUE(passes(gradcheck(f, {left.requires_grad_(), right.requires_grad_()})));
}

// --- what it says ---

TEST(Gradcheck, PrintsAFailureThatCanBeRead) {
  const auto f = [](Inputs in) { return in[0] * in[0].detach(); };  // half of the derivative of x^2
  const GradcheckResult result = gradcheck(f, {leaf({1, 2}, {2})});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.verdict, GradcheckVerdict::wrong);
  const std::string report = result.report();
  for (const char* part : {"gradcheck: wrong (derivatives: 2 right, 2 wrong, 0 cannot tell)\n", "by ", "input 0  [2]",
                           "output 0 [", "analytic = 0.5 x numeric"}) {
    EXPECT_NE(report.find(part), std::string::npos) << report << "has no: " << part;
  }
  EXPECT_NONFATAL_FAILURE(EXPECT_TRUE(passes(result)), "analytic = 0.5 x numeric");
}

}  // namespace
}  // namespace dagrad
