#include "dagrad/core/analysis/sparse_derivative.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/jacobian.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

Tensor point(std::int64_t n, std::uint64_t seed = 1) {
  Generator generator(seed);
  return randn({n}, f64, generator);
}

/// y_i = sin(x_i) x_(i+1) - x_(i-1)^2, where they exist: a tridiagonal Jacobian.
Tensor chain(const Tensor& x) {
  const std::int64_t n = x.size(0);
  const Tensor zero = zeros({1}, x.dtype());
  const Tensor next = cat({slice(x, 0, 1, n), zero}), previous = cat({zero, slice(x, 0, 0, n - 1)});
  return sin(x) * next - square(previous) + x;
}

/// The extended Rosenbrock function: a tridiagonal Hessian.
Tensor rosenbrock(const Tensor& x) {
  const std::int64_t n = x.size(0);
  const Tensor head = slice(x, 0, 0, n - 1), tail = slice(x, 0, 1, n);
  return sum(square(tail - square(head)) * 100 + square(1 - head));
}

/// Each element together with the first: an arrow-shaped Hessian.
Tensor arrow(const Tensor& x) { return sum(square(x) * select(x, 0, 0)); }

void expect_equal(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12 * (1 + std::fabs(b[i]))) << i;
}

TEST(SparseJacobian, TakesAsManyProductsAsColors) {
  const Tensor x = point(40);
  const Tensor dense = jacobian(chain, x);
  for (const Compression by : {Compression::rows, Compression::columns, Compression::cheapest}) {
    const JacobianPlan plan(Sparsity::banded(40, 40, 1, 1), by);
    EXPECT_EQ(plan.products(), 3u);
    expect_equal(plan(chain, x).to_dense(), dense);
  }
}

TEST(SparseJacobian, IsGoodForMorePoints) {
  const JacobianPlan plan(Sparsity::banded(20, 20, 1, 1));
  for (std::uint64_t seed = 0; seed < 3; ++seed)
    expect_equal(plan(chain, point(20, seed)).to_dense(), jacobian(chain, point(20, seed)));
}

TEST(SparseJacobian, TakesTheSideThatNeedsFewerColors) {
  // One output of all inputs, besides the diagonal: a full row, so the columns meet in it and the rows do not.
  const auto sums = [](const Tensor& x) { return cat({sum(x, {0}, true), square(x)}); };
  std::vector<std::vector<std::int64_t>> rows(11);
  for (std::int64_t i = 0; i < 10; ++i) {
    rows[0].push_back(i);
    rows[static_cast<std::size_t>(i + 1)] = {i};
  }
  const JacobianPlan plan(Sparsity(10, rows));
  EXPECT_EQ(plan.compression(), Compression::rows);
  EXPECT_EQ(plan.products(), 2u);
  EXPECT_EQ(JacobianPlan(Sparsity(10, rows), Compression::columns).products(), 10u);
  expect_equal(plan(sums, point(10)).to_dense(), jacobian(sums, point(10)));
  EXPECT_EQ(JacobianPlan(Sparsity(10, rows).transposed()).compression(), Compression::columns);
}

TEST(SparseJacobian, CountsElementsInRowMajorOrder) {
  const auto f = [](const Tensor& x) { return square(transpose(x, 0, 1)); };
  const Tensor x = reshape(point(6), {2, 3});
  const Sparsity pattern = detect_jacobian_sparsity(f, x).pattern;
  EXPECT_EQ(pattern, Sparsity(6, {{0}, {3}, {1}, {4}, {2}, {5}}));
  expect_equal(JacobianPlan(pattern)(f, x).to_dense(), reshape(jacobian(f, x), {6, 6}));
}

TEST(SparseJacobian, OfAConstantIsZero) {
  const JacobianPlan rows(Sparsity::banded(4, 4, 0, 0), Compression::rows),
      columns(Sparsity::banded(4, 4, 0, 0), Compression::columns);
  const auto f = [](const Tensor& x) { return ones(x.shape(), f64); };
  expect_equal(rows(f, point(4)).to_dense(), zeros({4, 4}, f64));
  expect_equal(columns(f, point(4)).to_dense(), zeros({4, 4}, f64));
}

TEST(SparseJacobian, RefusesAPatternThatDoesNotFit) {
  const JacobianPlan plan(Sparsity::banded(4, 4, 1, 1));
  expect_error<ShapeError>([&] { (void)plan(chain, point(5)); },
                           "JacobianPlan: the pattern is 4 x 4 (want 5 x 5, the elements of f(x) and of x)");
  expect_error<UsageError>(
      [&] {
        (void)plan([](const Tensor& x) { return std::vector<Tensor>{x, x}; }, point(4));
      },
      "JacobianPlan: the function gives 2 tensors (want one)");
}

TEST(SparseHessian, UsesSymmetry) {
  const HessianPlan band(Sparsity::banded(30, 30, 1, 1));
  EXPECT_LE(band.products(), 3u);
  expect_equal(band(rosenbrock, point(30)).to_dense(), hessian(rosenbrock, point(30)));
  const HessianPlan plan(detect_hessian_sparsity(arrow, point(30)).pattern);
  EXPECT_EQ(plan.products(), 2u);
  expect_equal(plan(arrow, point(30)).to_dense(), hessian(arrow, point(30)));
}

TEST(SparseHessian, OfRandomQuadraticForms) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Generator generator(seed);
    const Tensor a = rand({18, 18}, f64, generator);
    const Tensor form = to(lt(a, 0.1), f64) * a;
    const auto f = [&](const Tensor& x) { return sum(x * mv(form, x)); };
    const Tensor dense = hessian(f, point(18));
    expect_equal(HessianPlan(Sparsity::of(dense))(f, point(18)).to_dense(), dense);
  }
}

TEST(SparseHessian, OfALinearFunctionIsZero) {
  const HessianPlan plan(Sparsity::banded(4, 4, 0, 0));
  expect_equal(plan([](const Tensor& x) { return sum(x * 2); }, point(4)).to_dense(), zeros({4, 4}, f64));
}

TEST(SparseHessian, RefusesFunctionsOfSeveralElements) {
  expect_error<ShapeError>([] { (void)HessianPlan(Sparsity::banded(4, 4, 0, 0))(chain, point(4)); },
                           "HessianPlan: f(x) has 4 elements (want one)");
}

TEST(DetectSparsity, FindsBandsInFewProducts) {
  const Detection found = detect_jacobian_sparsity(chain, point(256));
  EXPECT_EQ(found.pattern, Sparsity::banded(256, 256, 1, 1));
  EXPECT_LE(found.products, 4u * 8 + 4);
  EXPECT_EQ(detect_hessian_sparsity(rosenbrock, point(64)).pattern, Sparsity::banded(64, 64, 1, 1));
}

TEST(DetectSparsity, LooksAtMorePointsThanOne) {
  // At 0 every product of neighbours is flat, and so are ReLUs below it.
  EXPECT_EQ(detect_jacobian_sparsity(chain, zeros({9}, f64)).pattern, Sparsity::banded(9, 9, 1, 1));
  const auto f = [](const Tensor& x) { return relu(x); };
  const Tensor x = full({4}, -0.1, f64);
  EXPECT_EQ(detect_jacobian_sparsity(f, x, {.points = 1}).pattern.entries(), 0);
  EXPECT_EQ(detect_jacobian_sparsity(f, x, {.points = 12}).pattern, Sparsity::banded(4, 4, 0, 0));
}

TEST(DetectSparsity, FindsFullAndEmptyPatterns) {
  const auto mix = [](const Tensor& x) { return exp(log_softmax(x, 0)); };
  EXPECT_EQ(detect_jacobian_sparsity(mix, point(5)).pattern, Sparsity::banded(5, 5, 5, 5));
  const auto nothing = [](const Tensor& x) { return ones(x.shape(), f64); };
  EXPECT_EQ(detect_jacobian_sparsity(nothing, point(5)).pattern.entries(), 0);
  EXPECT_EQ(detect_jacobian_sparsity([](const Tensor& x) { return slice(x, 0, 0, 0); }, point(5)).pattern.rows(), 0);
}

}  // namespace
}  // namespace dagrad
