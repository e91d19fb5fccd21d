// Whether two tensors of f64 agree but for rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <gtest/gtest.h>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// One shape, and each element within 1e-12 of the wanted one, relative where that is above 1.
inline void expect_close(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12 * std::max(1.0, std::abs(b[i]))) << i;
}

}  // namespace dagrad
