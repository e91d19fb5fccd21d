#include "dagrad/core/op_names.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/op.h"

namespace dagrad {
namespace {

struct NeverRun {
  static constexpr std::string_view name = "never_run";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor&, Tensor&) const {}
};

// Linked, but not called.
[[maybe_unused]] Tensor never_run(const Tensor& src) { return apply(NeverRun{}, Location::current(), src); }
[[maybe_unused]] Tensor (*volatile keep)(const Tensor&) = never_run;

TEST(OpNames, HoldOpsThatAreLinkedEvenBeforeTheyRun) {
  const auto names = op_names();
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "never_run"));
}

TEST(OpNames, AreSortedAndWithoutRepeats) {
  const auto names = op_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace dagrad
