// Derivatives in f64 against finite differences: first order to 1e-7, second order to 1e-5.
#include "dagrad/core/gradcheck.h"

#include "dagrad/core/gradcheck_gtest.h"
#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

class Derivatives : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;

  std::vector<Tensor> inputs() const { return to_tensors(sample, draw(row, sample, f64), f64); }

  /// The inputs that can have a gradient.
  std::vector<std::size_t> differentiable() const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      if (!sample.inputs[i].dtype) result.push_back(i);
    }
    return result;
  }

  /// Checks `call` at inputs of which some require a gradient.
  void check(const Call& call, const std::vector<Tensor>& at) const {
    GradcheckOptions options{.seed = seed_of(GetParam().name())};
    // A Jacobian may be zero at a sample (x - x, one element after dropout, the second derivative of a linear op). That
    // not nearly all gradients of an op are is asked for in gradients_test.cpp.
    options.allow_zero_jacobian = true;
    EXPECT_TRUE(passes(gradcheck(call, at, options)));
    if (row.orders < 2) return;
    EXPECT_TRUE(passes(gradgradcheck(call, at, options)));
  }
};

TEST_P(Derivatives, MatchFiniteDifferencesForEverySubsetOfInputs) {
  const std::vector<std::size_t> candidates = differentiable();
  for (std::size_t subset = 1; subset < std::size_t{1} << candidates.size(); ++subset) {
    std::vector<Tensor> at = inputs();
    std::string which;
    for (std::size_t k = 0; k < candidates.size(); ++k) {
      if ((subset >> k & 1) == 0) continue;
      at[candidates[k]].requires_grad_();
      which += fmt::format(" {}", candidates[k]);
    }
    SCOPED_TRACE("gradients for inputs" + which);
    check(sample.call, at);
  }
}

TEST_P(Derivatives, MatchFiniteDifferencesWithOneTensorPassedTwice) {
  const std::vector<std::size_t> candidates = differentiable();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (std::size_t k = i + 1; k < candidates.size(); ++k) {
      const Input& first = sample.inputs[candidates[i]];
      const Input& second = sample.inputs[candidates[k]];
      if (first.shape != second.shape || !(first.domain == second.domain)) continue;
      SCOPED_TRACE(fmt::format("one tensor as inputs {} and {}", candidates[i], candidates[k]));
      std::vector<Tensor> at = inputs();
      at[candidates[k]] = at[candidates[i]].requires_grad_();
      check(sample.call, at);
    }
  }
}

const auto checkable = [](const Row& row, const Sample& sample) {
  return row.orders > 0 && row.no_gradcheck.empty() && sample.small() && sample.input_elements() > 0;
};
INSTANTIATE_TEST_SUITE_P(Ops, Derivatives, ::testing::ValuesIn(cases(checkable)), case_name);

}  // namespace
}  // namespace dagrad::op_table
