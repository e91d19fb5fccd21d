#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "dagrad/core/creation.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

/// The place of the first best, as the words say it: NaN before any.
std::int64_t first_best(const std::vector<float>& x, bool largest) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < x.size() && !std::isnan(x[best]); ++i) {
    if (std::isnan(x[i]) || (largest ? x[i] > x[best] : x[i] < x[best])) best = i;
  }
  return static_cast<std::int64_t>(best);
}

/// Numbers of which many are equal, among them infinities and, one in `nans`, NaN.
std::vector<float> numbers(std::int64_t count, std::uint32_t nans, std::uint32_t seed) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::mt19937 draw(seed);
  std::vector<float> x(static_cast<std::size_t>(count));
  for (float& v : x) {
    const auto kind = draw() % 12;
    v = kind == 0 ? kInfinity : kind == 1 ? -kInfinity : static_cast<float>(draw() % 5) - 2;
    if (draw() % nans == 0) v = std::nanf("");
  }
  return x;
}

TEST(Extremum, FindsTheFirstOfTheBestInRowsAndColumns) {
  std::uint32_t seed = 0;
  for (const Shape& shape : {Shape{1, 1}, {1, 37}, {2, 16}, {5, 33}, {7, 64}, {70, 3}, {300, 50}, {3, 5000}}) {
    for (const std::uint32_t nans : {3u, 200u, 1u << 30}) {
      for (const DType dtype : {f32, bf16, f64}) {
        const std::int64_t rows = shape[0], columns = shape[1];
        const std::vector<float> values = numbers(rows * columns, nans, ++seed);
        const Tensor x = to(reshape(tensor(values), shape), dtype);
        for (const bool largest : {true, false}) {
          const auto place = largest ? argmax : argmin;
          std::vector<std::int64_t> of_rows, of_columns;
          for (std::int64_t i = 0; i < rows; ++i)
            of_rows.push_back(first_best({values.begin() + i * columns, values.begin() + (i + 1) * columns}, largest));
          for (std::int64_t j = 0; j < columns; ++j) {
            std::vector<float> column;
            for (std::int64_t i = 0; i < rows; ++i) column.push_back(values[static_cast<std::size_t>(i * columns + j)]);
            of_columns.push_back(first_best(column, largest));
          }
          const auto at = Location::current();
          EXPECT_EQ(place(x, 1, false, at).to_vector<std::int64_t>(), of_rows) << shape.str() << name_of(dtype);
          EXPECT_EQ(place(x, 0, false, at).to_vector<std::int64_t>(), of_columns) << shape.str() << name_of(dtype);
        }
      }
    }
  }
}

}  // namespace
}  // namespace dagrad
