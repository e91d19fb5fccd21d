// Making tensors.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Uninitialised elements.
Tensor empty(const Shape& shape, DType dtype = f32);
Tensor zeros(const Shape& shape, DType dtype = f32);
Tensor ones(const Shape& shape, DType dtype = f32);
Tensor full(const Shape& shape, double value, DType dtype = f32);

Tensor empty_like(const Tensor& like);
Tensor zeros_like(const Tensor& like);
Tensor ones_like(const Tensor& like);

/// A 0-dim tensor.
Tensor scalar(double value, DType dtype = f32);

/// Values in row-major order: `tensor({1, 2, 3, 4}, {2, 2})`; without a shape, 1-dim. Throws ShapeError when they do
/// not fill it.
Tensor tensor(std::initializer_list<double> values, DType dtype = f32);
Tensor tensor(std::initializer_list<double> values, const Shape& shape, DType dtype = f32);
/// The same from a vector of element type T, which becomes the tensor's.
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape);

/// start, start + step, ... below (or above) end.
Tensor arange(double start, double end, double step = 1, DType dtype = i64);
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
/// A random permutation of 0 .. n-1, of type i64.
Tensor randperm(std::int64_t n, Generator& generator = default_generator());

}  // namespace dagrad
