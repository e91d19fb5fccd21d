// Gradients of f32 against those of f64, which gradcheck_test.cpp checks in turn.
#include <algorithm>

#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

Arrays draw_diffs(const Case& c, const Arrays& results, DType dtype = f32) {
  Arrays diff;
  for (std::size_t k = 0; k < results.size(); ++k)
    diff.push_back(draw_diff(fmt::format("{}/{}", c.name(), k), results[k].shape, dtype));
  return diff;
}

class Gradients : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;
  const Arrays inputs = draw(row, sample, f32);
  const Arrays diff = draw_diffs(GetParam(), sample.reference(inputs));
};

TEST_P(Gradients, OfF32AgreeWithF64) {
  const Arrays want = gradients(sample, inputs, diff, f64), got = gradients(sample, inputs, diff, f32);
  const Arrays terms = row.gradient_terms ? row.gradient_terms(sample, inputs, diff) : Arrays{};
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (sample.inputs[i].dtype) continue;
    EXPECT_EQ(got[i].shape.str(), sample.inputs[i].shape.str()) << "input " << i;
    EXPECT_TRUE(close(got[i], want[i], terms.empty() ? nullptr : &terms[i], bound_for(f32, sample.gradient_roundings)))
        << "input " << i;
  }
}

// A gradient is rounded to bf16 between the ops that it is made of, and some of these are differences: so the bound is
// one for the largest element, or for the terms where these are larger.
TEST_P(Gradients, OfBf16AgreeWithF64) {
  if (!row.takes_bf16) return;
  const Arrays at = draw(row, sample, bf16);
  const Arrays by = draw_diffs(GetParam(), sample.reference(at), bf16);
  const Arrays want = gradients(sample, at, by, f64), got = gradients(sample, at, by, bf16);
  Arrays terms = gradients_by_largest(sample, at, by);
  if (row.gradient_terms) {
    const Arrays more = row.gradient_terms(sample, at, by);
    for (std::size_t i = 0; i < terms.size(); ++i)
      terms[i] = zip(terms[i], more[i], [](double a, double b) { return std::max(a, b); });
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (sample.inputs[i].dtype) continue;
    const Bound bound =
        bound_for(bf16, sample.gradient_roundings, std::max(row.bf16_gradient_roundings, 2 * sample.bf16_roundings));
    EXPECT_TRUE(close(got[i], want[i], &terms[i], bound)) << "input " << i;
  }
}

const auto differentiable = [](const Row& row, const Sample&) { return row.orders > 0; };
INSTANTIATE_TEST_SUITE_P(Ops, Gradients, ::testing::ValuesIn(cases(differentiable)), case_name);

class GradientsOfOp : public ::testing::TestWithParam<const Row*> {};

// A gradient that is zero nearly everywhere agrees with anything.
TEST_P(GradientsOfOp, AreNotNearlyAllZero) {
  const Row& row = *GetParam();
  std::int64_t total = 0, nonzero = 0;
  for (const Sample& sample : row.samples) {
    if (!sample.small()) continue;
    const Arrays inputs = draw(row, sample, f32);
    for (const Array& gradient :
         gradients(sample, inputs, draw_diffs({&row, &sample}, sample.reference(inputs)), f64)) {
      total += static_cast<std::int64_t>(gradient.size());
      for (const double value : gradient.values) nonzero += value != 0;
    }
  }
  EXPECT_GT(total, 0);
  EXPECT_GE(static_cast<double>(nonzero), row.nonzero_gradients * static_cast<double>(total))
      << "of " << total << " elements";
}

INSTANTIATE_TEST_SUITE_P(Ops, GradientsOfOp,
                         ::testing::ValuesIn(rows_where([](const Row& row) { return row.orders > 0; })), row_name);

class NotDifferentiable : public ::testing::TestWithParam<const Row*> {};

TEST_P(NotDifferentiable, GivesResultsWithoutHistory) {
  const Row& row = *GetParam();
  for (const Sample& sample : row.samples) {
    std::vector<Tensor> inputs = to_tensors(sample, draw(row, sample, f32), f32);
    for (Tensor& input : inputs) {
      if (is_floating(input.dtype())) input.requires_grad_();
    }
    for (const Tensor& t : sample.call(inputs)) EXPECT_FALSE(t.requires_grad()) << sample.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, NotDifferentiable,
                         ::testing::ValuesIn(rows_where([](const Row& row) { return row.orders == 0; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
