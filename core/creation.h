// Making tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"
#include "dagrad/core/tensor_values.h"

namespace dagrad {

/// Uninitialised elements.
Tensor empty(const Shape& shape, DType dtype = f32);
Tensor zeros(const Shape& shape, DType dtype = f32);
Tensor ones(const Shape& shape, DType dtype = f32);
Tensor full(const Shape& shape, double value, DType dtype = f32);

Tensor empty_like(const Tensor& like);
Tensor zeros_like(const Tensor& like);
Tensor ones_like(const Tensor& like);
Tensor full_like(const Tensor& like, double value);

/// A 0-dim tensor.
Tensor scalar(double value, DType dtype = f32);

namespace detail {

Tensor copy_of(const void* values, std::size_t count, const Shape& shape, DType dtype);
Tensor copy_of(const std::vector<bool>& values, const Shape& shape);

}  // namespace detail

/// Values as they are nested: `tensor({1, 2})` has the shape [2], `tensor({{1, 2, 3}, {4, 5, 6}})` [2, 3], `tensor(1)`
/// []. Throws ShapeError where rows differ.
Tensor tensor(const TensorValues& values, DType dtype = f32);
/// Values in row-major order: `tensor({1, 2, 3, 4}, {2, 2})`. Throws ShapeError when they do not fill the shape.
Tensor tensor(const TensorValues& values, const Shape& shape, DType dtype = f32);
/// The same from memory of element type T, which becomes the tensor's; without a shape, 1-dim.
template <class T, std::size_t kExtent>
Tensor tensor(std::span<T, kExtent> values, const Shape& shape) {
  return detail::copy_of(values.data(), values.size(), shape, dtype_of<T>);
}
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  if constexpr (std::is_same_v<T, bool>)
    return detail::copy_of(values, shape);
  else
    return tensor(std::span(values), shape);
}
template <class T, std::size_t kExtent>
Tensor tensor(std::span<T, kExtent> values) {
  return tensor(values, {static_cast<std::int64_t>(values.size())});
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return tensor(values, {static_cast<std::int64_t>(values.size())});
}

/// start, start + step, ... below (or above) end; without a start from 0. Throws UsageError for a step of 0, DTypeError
/// when start or step has a fraction and the type has none: `arange(0, 1, 0.1, f32)`.
Tensor arange(double start, double end, double step = 1, DType dtype = i64);
Tensor arange(double end, DType dtype = i64);
/// `count` numbers from `start` to `end`, both among them, equally far apart; one is `start`. Throws UsageError for
/// a count below 0.
Tensor linspace(double start, double end, std::int64_t count, DType dtype = f32);
/// The n x n identity.
Tensor eye(std::int64_t n, DType dtype = f32);

/// A tensor over memory of the caller's, row-major; `release` (may be empty) runs when the last tensor lets go of it.
Tensor from_blob(void* data, const Shape& shape, DType dtype, std::function<void()> release = {});

/// Independent draws from U[0, 1), U[low, high), N(mean, std^2); integers from [low, high).
Tensor rand(const Shape& shape, DType dtype = f32, Generator& generator = default_generator());
Tensor uniform(const Shape& shape, double low, double high, DType dtype = f32,
               Generator& generator = default_generator());
Tensor randn(const Shape& shape, DType dtype = f32, Generator& generator = default_generator());
Tensor normal(const Shape& shape, double mean, double std, DType dtype = f32,
              Generator& generator = default_generator());
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator = default_generator());
Tensor randint(std::int64_t high, const Shape& shape, Generator& generator = default_generator());  ///< from 0
/// Draws from U[0, 1) and N(0, 1) of another tensor's shape and type.
Tensor rand_like(const Tensor& like, Generator& generator = default_generator());
Tensor randn_like(const Tensor& like, Generator& generator = default_generator());
/// A random permutation of 0 .. n-1, of type i64.
Tensor randperm(std::int64_t n, Generator& generator = default_generator());

}  // namespace dagrad
