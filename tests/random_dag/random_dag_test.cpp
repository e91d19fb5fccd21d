// Gradients of random graphs, against a reference that shares nothing with dagrad.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "random_dag/fault.h"
#include "random_dag/generate.h"
#include "random_dag/shrink.h"

namespace dagrad::random_dag {
namespace {

/// Success, or the smallest program that shows what is wrong with this one.
::testing::AssertionResult is_right(const Program& program) {
  if (!fault_of(program)) return ::testing::AssertionSuccess();
  const Program small = shrink(program, [](const Program& candidate) { return fault_of(candidate).has_value(); });
  return ::testing::AssertionFailure() << *fault_of(small) << " in\n" << small.str();
}

class RandomGraphs : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomGraphs, HaveTheGradientsOfTheReference) {
  constexpr std::uint64_t kGraphs = 5000;
  for (std::uint64_t seed = kGraphs * GetParam(); seed < kGraphs * (GetParam() + 1); ++seed)
    ASSERT_TRUE(is_right(generate(seed, all_kinds()))) << "seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(Dag, RandomGraphs, ::testing::Range<std::uint64_t>(0, 4));

}  // namespace
}  // namespace dagrad::random_dag
