// Gradient checks as GoogleTest assertions. The only header of dagrad that needs GoogleTest.
#pragma once

#include <gtest/gtest.h>

#include "dagrad/core/gradcheck.h"

namespace dagrad {

/// `EXPECT_TRUE(passes(gradcheck(f, {x})))`: fails with the report unless every derivative is right.
inline ::testing::AssertionResult passes(const GradcheckResult& result) {
  return (result ? ::testing::AssertionSuccess() : ::testing::AssertionFailure()) << result.report();
}

}  // namespace dagrad
