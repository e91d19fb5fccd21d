#include "dagrad/core/creation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/error.h"

namespace dagrad {

Tensor empty(const Shape& shape, DType dtype) { return Tensor::allocate({shape, dtype}); }
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor result = empty(shape, dtype);
  if (value == 0 && !std::signbit(value)) {
    std::memset(result.mutable_raw_data(), 0, result.bytes());  // what is large it writes past the caches
    return result;
  }
  visit_dtype(dtype, [&]<class T>(T) { std::fill_n(result.mutable_data<T>(), result.numel(), convert_to<T>(value)); });
  return result;
}

Tensor empty_like(const Tensor& like) { return empty(like.shape(), like.dtype()); }
Tensor zeros_like(const Tensor& like) { return zeros(like.shape(), like.dtype()); }
Tensor ones_like(const Tensor& like) { return ones(like.shape(), like.dtype()); }
Tensor full_like(const Tensor& like, double value) { return full(like.shape(), value, like.dtype()); }

Tensor scalar(double value, DType dtype) { return full({}, value, dtype); }

namespace {

void check_count(const Shape& shape, std::size_t item, std::size_t got) {
  const std::int64_t count = checked_numel("tensor", shape, item);
  if (count == static_cast<std::int64_t>(got)) return;
  throw ShapeError(fmt::format("tensor: {} values for shape {} (want {})", got, shape.str(), count));
}

}  // namespace

Tensor tensor(const TensorValues& values, const Shape& shape, DType dtype) {
  const Tensor& from = values.in_order();
  check_count(shape, item_size(dtype), static_cast<std::size_t>(from.numel()));
  Tensor result = empty(shape, dtype);
  result.copy_(from.alias(shape, contiguous_strides(shape), 0));
  return result;
}

Tensor tensor(const TensorValues& values, DType dtype) { return tensor(values, values.in_order().shape(), dtype); }

Tensor detail::copy_of(const std::vector<bool>& values, const Shape& shape) {
  check_count(shape, sizeof(bool), values.size());
  Tensor result = empty(shape, boolean);
  std::copy(values.begin(), values.end(), result.mutable_data<bool>());
  return result;
}

Tensor detail::copy_of(const void* values, std::size_t count, const Shape& shape, DType dtype) {
  check_count(shape, item_size(dtype), count);
  Tensor result = empty(shape, dtype);
  if (count > 0) std::memcpy(result.mutable_raw_data(), values, count * item_size(dtype));
  return result;
}

Tensor arange(double start, double end, double step, DType dtype) {
  const double length = std::ceil((end - start) / step);
  if (step == 0 || !std::isfinite(length) || length > 0x1p62) {
    throw UsageError(fmt::format("arange: from {} to {} in steps of {} (want finite bounds and a step that is not 0)",
                                 start, end, step));
  }
  if (!is_floating(dtype) && (start != std::trunc(start) || step != std::trunc(step))) {
    throw DTypeError(fmt::format("arange: from {} in steps of {} as {} (want whole numbers, or a floating type)", start,
                                 step, name_of(dtype)));
  }
  Tensor result = empty({static_cast<std::int64_t>(std::max(length, 0.0))}, dtype);
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = result.mutable_data<T>();
    for (std::int64_t i = 0; i < result.numel(); ++i) to[i] = convert_to<T>(start + static_cast<double>(i) * step);
  });
  return result;
}

Tensor arange(double end, DType dtype) { return arange(0, end, 1, dtype); }

Tensor linspace(double start, double end, std::int64_t count, DType dtype) {
  if (count < 0) throw UsageError(fmt::format("linspace: {} numbers (want at least 0)", count));
  Tensor result = empty({count}, dtype);
  const double step = count > 1 ? (end - start) / static_cast<double>(count - 1) : 0;
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = result.mutable_data<T>();
    for (std::int64_t i = 0; i < count; ++i) {  // from the nearer end, so that the last is exactly `end`
      const double value =
          i < (count + 1) / 2 ? start + static_cast<double>(i) * step : end - static_cast<double>(count - 1 - i) * step;
      to[i] = convert_to<T>(value);
    }
  });
  return result;
}

Tensor eye(std::int64_t n, DType dtype) {
  Tensor result = zeros({n, n}, dtype);
  result.alias({n}, {n + 1}, 0).fill_(1);
  return result;
}

Tensor from_blob(void* data, const Shape& shape, DType dtype, std::function<void()> release) {
  const auto bytes = static_cast<std::size_t>(checked_numel("from_blob", shape, item_size(dtype))) * item_size(dtype);
  return Tensor::from_storage(Storage::wrap(data, bytes, std::move(release)), {shape, dtype}, contiguous_strides(shape),
                              0);
}

Tensor rand(const Shape& shape, DType dtype, Generator& generator) { return uniform(shape, 0, 1, dtype, generator); }

Tensor uniform(const Shape& shape, double low, double high, DType dtype, Generator& generator) {
  Tensor result = empty(shape, dtype);
  fill_uniform(result, low, high, generator);
  return result;
}

Tensor randn(const Shape& shape, DType dtype, Generator& generator) { return normal(shape, 0, 1, dtype, generator); }

Tensor normal(const Shape& shape, double mean, double std, DType dtype, Generator& generator) {
  Tensor result = empty(shape, dtype);
  fill_normal(result, mean, std, generator);
  return result;
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator) {
  if (low >= high) throw UsageError(fmt::format("randint: from {} to {} (want low < high)", low, high));
  Tensor result = empty(shape, i64);
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  std::generate_n(result.mutable_data<std::int64_t>(), result.numel(), [&] {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + generator.next_below(span));
  });
  return result;
}

Tensor randint(std::int64_t high, const Shape& shape, Generator& generator) {
  return randint(0, high, shape, generator);
}

Tensor rand_like(const Tensor& like, Generator& generator) { return rand(like.shape(), like.dtype(), generator); }
Tensor randn_like(const Tensor& like, Generator& generator) { return randn(like.shape(), like.dtype(), generator); }

Tensor randperm(std::int64_t n, Generator& generator) {
  Tensor result = arange(0, static_cast<double>(n));
  std::int64_t* items = result.mutable_data<std::int64_t>();
  for (std::int64_t i = n - 1; i > 0; --i)
    std::swap(items[i], items[generator.next_below(static_cast<std::uint64_t>(i) + 1)]);
  return result;
}

}  // namespace dagrad
