// Ops of a tensor and a number: no tensor is made of the number.
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "dagrad/core/node.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

using Function = std::function<Tensor(const Tensor&)>;

std::vector<std::pair<const char*, Function>> functions() {
  static const Tensor condition = zeros({1 << 12}, boolean);
  return {{"x + 2", [](const Tensor& x) { return x + 2; }},
          {"2 - x", [](const Tensor& x) { return 2 - x; }},
          {"x * 2", [](const Tensor& x) { return x * 2; }},
          {"2 / x", [](const Tensor& x) { return 2 / x; }},
          {"pow(x, 3)", [](const Tensor& x) { return pow(x, 3); }},
          {"pow(3, x)", [](const Tensor& x) { return pow(3, x); }},
          {"maximum(x, 2)", [](const Tensor& x) { return maximum(x, 2); }},
          {"maximum(2, x)", [](const Tensor& x) { return maximum(2, x); }},
          {"minimum(x, 2)", [](const Tensor& x) { return minimum(x, 2); }},
          {"minimum(2, x)", [](const Tensor& x) { return minimum(2, x); }},
          {"fmod(x, 2)", [](const Tensor& x) { return fmod(x, 2); }},
          {"fmod(2, x)", [](const Tensor& x) { return fmod(2, x); }},
          {"remainder(x, 2)", [](const Tensor& x) { return remainder(x, 2); }},
          {"remainder(2, x)", [](const Tensor& x) { return remainder(2, x); }},
          {"where(c, x, 2)", [](const Tensor& x) { return where(condition, x, 2); }},
          {"where(c, 2, x)", [](const Tensor& x) { return where(condition, 2, x); }},
          {"hypot(x, 2)", [](const Tensor& x) { return hypot(x, 2); }},
          {"hypot(2, x)", [](const Tensor& x) { return hypot(2, x); }},
          {"scatter(x, i, 2)", [](const Tensor& x) { return scatter(x, 0, zeros({3}, i64), 2); }},
          {"masked_fill(x, c, 2)", [](const Tensor& x) { return masked_fill(x, condition, 2); }}};
}

// What is made a tensor would be an input of the op.
TEST(WithNumber, TakesNoTensorInPlaceOfTheNumber) {
  const Tensor x = ones({1 << 12}).requires_grad_();
  for (const auto& [name, f] : functions()) {
    const std::string text = name;
    const bool has_another = text.find("c,") != std::string::npos || text.find("i,") != std::string::npos;
    const Tensor y = f(x);
    ASSERT_TRUE(y.requires_grad()) << name;
    EXPECT_EQ(y.node()->edges().size(), has_another ? 2u : 1u) << name << " is '" << y.node()->name() << "'";
  }
}

TEST(WithNumber, ComparisonsWithTheNumberFirstAreTheMirroredOnes) {
  const Tensor x = tensor({1, 2, 3});
  const auto same = [](const Tensor& a, const Tensor& b) { return a.to_vector<double>() == b.to_vector<double>(); };
  EXPECT_TRUE(same(eq(2, x), tensor({0, 1, 0}, boolean)));
  EXPECT_TRUE(same(ne(2, x), tensor({1, 0, 1}, boolean)));
  EXPECT_TRUE(same(lt(2, x), tensor({0, 0, 1}, boolean)));
  EXPECT_TRUE(same(le(2, x), tensor({0, 1, 1}, boolean)));
  EXPECT_TRUE(same(gt(2, x), tensor({1, 0, 0}, boolean)));
  EXPECT_TRUE(same(ge(2, x), tensor({1, 1, 0}, boolean)));
}

}  // namespace
}  // namespace dagrad
