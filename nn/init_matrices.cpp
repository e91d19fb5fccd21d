// Initialisation with matrices of a certain structure.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <span>
#include <string_view>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/init.h"

namespace dagrad::nn::init {
namespace {

void check_matrix(const char* name, const Tensor& t) {
  if (t.dim() != 2) throw ShapeError(fmt::format("{}: {} (want a matrix)", name, t.shape().str()));
}

Tensor& assign(std::string_view name, Tensor& t, const Tensor& values) {
  const NoGrad guard;
  t.copy_(values).note_in_place(name);
  return t;
}

/// Makes `count` vectors of `length`, one after the other, orthonormal: Gram and Schmidt's method in the order that
/// loses least to rounding.
void orthonormalise(double* vectors, std::int64_t count, std::int64_t length) {
  for (std::int64_t i = 0; i < count; ++i) {
    double* const v = vectors + i * length;
    const double norm = std::sqrt(std::inner_product(v, v + length, v, 0.0));
    for (std::int64_t k = 0; k < length; ++k) v[k] /= norm;
    constexpr std::int64_t kGrain = 1 << 16;  // elements that are worth a thread
    parallel_for(count - i - 1, std::max<std::int64_t>(1, kGrain / length), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = i + 1 + begin; j < i + 1 + end; ++j) {
        double* const w = vectors + j * length;
        const double along = std::inner_product(v, v + length, w, 0.0);
        for (std::int64_t k = 0; k < length; ++k) w[k] -= along * v[k];
      }
    });
  }
}

}  // namespace

Tensor& orthogonal_(Tensor& t, double gain, Generator& generator) {
  if (t.dim() < 2) throw ShapeError(fmt::format("orthogonal_: {} (want at least two dimensions)", t.shape().str()));
  if (t.numel() == 0) return t;
  const std::int64_t rows = t.size(0), columns = t.numel() / rows;
  const bool by_rows = rows <= columns;
  const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  // Normal draws favour no direction, and neither does what is left of each after those before it are taken away.
  Tensor vectors = empty({count, length}, f64);
  fill_normal(vectors, 0, 1, generator);
  double* const v = vectors.mutable_data<double>();
  orthonormalise(v, count, length);
  orthonormalise(v, count, length);  // again, for what rounding left over
  Tensor values = empty(t.shape(), f64);
  double* const to = values.mutable_data<double>();
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column)
      to[row * columns + column] = gain * (by_rows ? v[row * length + column] : v[column * length + row]);
  }
  return assign("orthogonal_", t, values);
}

Tensor& eye_(Tensor& t) {
  check_matrix("eye_", t);
  Tensor values = zeros(t.shape(), f64);
  double* const to = values.mutable_data<double>();
  for (std::int64_t i = 0; i < std::min(t.size(0), t.size(1)); ++i) to[i * t.size(1) + i] = 1;
  return assign("eye_", t, values);
}

Tensor& dirac_(Tensor& t, std::int64_t groups) {
  if (t.dim() < 3 || t.dim() > 5)
    throw ShapeError(fmt::format("dirac_: {} (want [out, in, kernel...] of 3 to 5 dimensions)", t.shape().str()));
  if (groups < 1 || t.size(0) % groups != 0)
    throw ShapeError(fmt::format("dirac_: {} groups of {} (want a divisor of {})", groups, t.shape().str(), t.size(0)));
  Tensor values = zeros(t.shape(), f64);
  const Strides strides = contiguous_strides(t.shape());
  std::int64_t centre = 0;
  for (int axis = 2; axis < t.dim(); ++axis) centre += t.size(axis) / 2 * strides[axis];
  double* const to = values.mutable_data<double>();
  const std::int64_t out = t.size(0) / groups;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t i = 0; i < std::min(out, t.size(1)); ++i)
      to[(group * out + i) * strides[0] + i * strides[1] + centre] = 1;
  }
  return assign("dirac_", t, values);
}

Tensor& sparse_(Tensor& t, double sparsity, double std, Generator& generator) {
  check_matrix("sparse_", t);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw UsageError(fmt::format("sparse_: sparsity is {} (want 0 <= sparsity <= 1)", sparsity));
  const std::int64_t rows = t.size(0), columns = t.size(1);
  const auto zero_count = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(rows)));
  Tensor values = empty(t.shape(), f64);
  fill_normal(values, 0, std, generator);
  double* const to = values.mutable_data<double>();
  for (std::int64_t column = 0; column < columns; ++column) {
    const Tensor order = randperm(rows, generator);
    for (const std::int64_t row : std::span(order.data<std::int64_t>(), zero_count)) to[row * columns + column] = 0;
  }
  return assign("sparse_", t, values);
}

}  // namespace dagrad::nn::init
