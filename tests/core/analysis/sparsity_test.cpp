#include "dagrad/core/analysis/sparsity.h"

#include <gtest/gtest.h>
#include <set>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "expect_error.h"

namespace dagrad {
namespace {

/// An arrow: the first row, the first column and the diagonal.
Sparsity arrow(std::int64_t n) {
  std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    rows[0].push_back(i);
    if (i > 0) rows[static_cast<std::size_t>(i)] = {0, i};
  }
  return {n, rows};
}

Sparsity random_pattern(std::int64_t rows, std::int64_t columns, double density, std::uint64_t seed) {
  Generator generator(seed);
  return Sparsity::of(Tensor([&] {
    Tensor t = rand({rows, columns}, f64, generator);
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      double& value = t.mutable_data<double>()[i];
      value = value < density ? 1 : 0;
    }
    return t;
  }()));
}

::testing::AssertionResult separates_rows(const Sparsity& pattern, const Coloring& coloring) {
  for (std::int64_t j = 0; j < pattern.columns(); ++j) {
    std::set<std::size_t> seen;
    for (std::int64_t i = 0; i < pattern.rows(); ++i) {
      const std::size_t color = coloring.color[static_cast<std::size_t>(i)];
      if (color >= coloring.colors) return ::testing::AssertionFailure() << "row " << i << " has colour " << color;
      if (pattern.contains(i, j) && !seen.insert(color).second)
        return ::testing::AssertionFailure() << "two rows of colour " << color << " meet in column " << j;
    }
  }
  return ::testing::AssertionSuccess();
}

TEST(Sparsity, HoldsRowsInOrder) {
  const Sparsity pattern(4, {{3, 0}, {}, {1}});
  EXPECT_EQ(pattern.rows(), 3);
  EXPECT_EQ(pattern.columns(), 4);
  EXPECT_EQ(pattern.entries(), 3);
  EXPECT_EQ(std::vector(pattern.row(0).begin(), pattern.row(0).end()), (std::vector<std::int64_t>{0, 3}));
  EXPECT_TRUE(pattern.contains(2, 1));
  EXPECT_FALSE(pattern.contains(1, 1));
  EXPECT_EQ(pattern.transposed().transposed(), pattern);
}

TEST(Sparsity, ComesFromTensorsAndBands) {
  EXPECT_EQ(Sparsity::of(eye(3)), Sparsity::banded(3, 3, 0, 0));
  EXPECT_EQ(Sparsity::banded(3, 4, 1, 0), Sparsity(4, {{0}, {0, 1}, {1, 2}}));
  EXPECT_EQ(Sparsity::banded(2, 2, 1, 0) | Sparsity::banded(2, 2, 0, 1), Sparsity::banded(2, 2, 1, 1));
}

TEST(Sparsity, RefusesWhatIsNoPattern) {
  expect_error<UsageError>(
      [] {
        Sparsity(2, {{0}, {2}});
      },
      "Sparsity: row 1 has an entry in column 2 (want 0 <= column < 2)");
  expect_error<UsageError>([] { Sparsity(2, {{1, 1}}); }, "Sparsity: row 0 has column 1 twice (want each once)");
  expect_error<ShapeError>([] { (void)Sparsity::of(ones({2})); },
                           "Sparsity: a tensor of shape [2] (want 2 dimensions)");
  expect_error<ShapeError>([] { (void)(Sparsity(2, {{0}}) | Sparsity(3, {{0}})); },
                           "Sparsity: a union of 1 x 2 and 1 x 3 (want equal sizes)");
}

TEST(Sparsity, ColorsABandWithItsWidth) {
  const Sparsity pattern = Sparsity::banded(100, 100, 1, 1);
  const Coloring coloring = color_rows(pattern);
  EXPECT_TRUE(separates_rows(pattern, coloring));
  EXPECT_EQ(coloring.colors, 3u);
}

TEST(Sparsity, ColorsEmptyAndFullPatterns) {
  EXPECT_EQ(color_rows(Sparsity(3, {{}, {}})).colors, 1u);
  EXPECT_EQ(color_rows(Sparsity(3, {})).colors, 0u);
  EXPECT_EQ(color_rows(Sparsity::banded(5, 5, 5, 5)).colors, 5u);
}

TEST(Sparsity, ColorsRandomPatternsSoThatRowsDoNotMeet) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Sparsity pattern = random_pattern(30, 40, 0.08, seed);
    EXPECT_TRUE(separates_rows(pattern, color_rows(pattern))) << seed;
  }
}

TEST(Sparsity, UsesSymmetry) {
  EXPECT_EQ(color_symmetric(arrow(50)).colors, 2u);
  EXPECT_EQ(color_rows(arrow(50)).colors, 50u);
  EXPECT_LE(color_symmetric(Sparsity::banded(50, 50, 1, 1)).colors, 3u);
  expect_error<UsageError>([] { (void)color_symmetric(Sparsity::banded(3, 3, 1, 0)); },
                           "color_symmetric: the pattern of 3 x 3 is not symmetric");
}

TEST(Sparsity, StarColoringsHaveNoPathOfTwoColors) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Sparsity half = random_pattern(24, 24, 0.08, seed);
    const Sparsity pattern = half | half.transposed();
    const Coloring coloring = color_symmetric(pattern);
    const auto color = [&](std::int64_t v) { return coloring.color[static_cast<std::size_t>(v)]; };
    for (std::int64_t a = 0; a < 24; ++a) {
      for (const std::int64_t b : pattern.row(a)) {
        if (a == b) continue;
        EXPECT_NE(color(a), color(b));
        for (const std::int64_t c : pattern.row(b)) {
          if (c == a || c == b || color(c) != color(a)) continue;
          for (const std::int64_t d : pattern.row(c)) {
            if (d == b || d == c || d == a) continue;
            EXPECT_NE(color(d), color(b)) << a << " " << b << " " << c << " " << d;
          }
        }
      }
    }
  }
}

TEST(Sparsity, MakesMatricesDense) {
  const SparseMatrix matrix{Sparsity(3, {{0, 2}, {1}}), tensor({1, 2, 3}, f64)};
  EXPECT_EQ(matrix.to_dense().to_vector<double>(), (std::vector<double>{1, 0, 2, 0, 3, 0}));
}

}  // namespace
}  // namespace dagrad
