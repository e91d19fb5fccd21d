#include "dagrad/core/shape.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/error.h"

namespace dagrad {
namespace {

void check_rank(std::size_t rank) {
  if (rank > static_cast<std::size_t>(kMaxRank)) {
    throw ShapeError(fmt::format("shape: too many dimensions: {} (the most is {})", rank, kMaxRank));
  }
}

}  // namespace

Shape::Shape(std::span<const std::int64_t> values) : rank_(static_cast<std::int32_t>(values.size())) {
  check_rank(values.size());
  std::copy(values.begin(), values.end(), begin());
}

Shape Shape::filled(int rank, std::int64_t value) {
  check_rank(static_cast<std::size_t>(rank));
  Shape result;
  result.rank_ = rank;
  std::fill(result.begin(), result.end(), value);
  return result;
}

void Shape::push_back(std::int64_t value) { insert(rank_, value); }

void Shape::insert(int position, std::int64_t value) {
  check_rank(size() + 1);
  ++rank_;
  std::copy_backward(begin() + position, end() - 1, end());
  (*this)[position] = value;
}

void Shape::erase(int position) {
  std::copy(begin() + position + 1, end(), begin() + position);
  --rank_;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

std::int64_t checked_numel(std::string_view op, const Shape& shape, std::size_t item_size) {
  std::int64_t count = 1;
  bool overflow = false;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) throw ShapeError(fmt::format("{}: negative size: {} (want sizes >= 0)", op, shape.str()));
    if (size == 0) empty = true;
    overflow |= __builtin_mul_overflow(count, std::max<std::int64_t>(size, 1), &count);
  }
  std::int64_t bytes = 0;
  overflow |= __builtin_mul_overflow(count, static_cast<std::int64_t>(item_size), &bytes);
  if (overflow)
    throw ShapeError(fmt::format("{}: too large: {} (the size in bytes must fit 63 bits)", op, shape.str()));
  return empty ? 0 : count;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  std::int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(shape[i], 1);
  }
  return strides;
}

Strides channels_last_strides(const Shape& shape) {
  Strides strides = shape;
  std::int64_t stride = 1;
  const auto place = [&](int axis) {
    strides[axis] = stride;
    stride *= std::max<std::int64_t>(shape[axis], 1);
  };
  place(1);
  for (int axis = shape.rank() - 1; axis > 1; --axis) place(axis);
  place(0);
  return strides;
}

bool is_contiguous(const Shape& shape, const Strides& strides) {
  std::int64_t expected = 1;
  bool matches = true;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    matches &= strides[i] == expected;
    expected *= shape[i];
  }
  return matches;
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape result = Shape::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      throw ShapeError(
          fmt::format("{}: shapes do not broadcast: {} and {} (want equal sizes or 1 at axis -{}: got {} and {})", op,
                      a.str(), b.str(), i, x, y));
    }
    result[rank - i] = x == 1 ? y : x;
  }
  return result;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target) {
  Strides result = Shape::filled(target.rank(), 0);
  const int lead = target.rank() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i) {
    result[lead + i] = shape[i] == 1 && target[lead + i] != 1 ? 0 : strides[i];
  }
  return result;
}

int normalize_axis(std::string_view op, std::int64_t axis, int rank) {
  const int span = std::max(rank, 1);
  if (axis < -span || axis >= span) {
    throw ShapeError(
        fmt::format("{}: axis out of range: {} (want {} to {} for {} dimensions)", op, axis, -span, span - 1, rank));
  }
  return static_cast<int>(axis < 0 ? axis + span : axis);
}

std::vector<int> normalize_axes(std::string_view op, std::span<const std::int64_t> axes, int rank) {
  std::vector<int> result;
  if (axes.empty()) {
    for (int i = 0; i < rank; ++i) result.push_back(i);
    return result;
  }
  for (const std::int64_t axis : axes) result.push_back(normalize_axis(op, axis, rank));
  std::sort(result.begin(), result.end());
  const auto repeat = std::adjacent_find(result.begin(), result.end());
  if (repeat != result.end()) throw ShapeError(fmt::format("{}: axis {} is named twice (want each once)", op, *repeat));
  if (rank == 0) result.clear();
  return result;
}

}  // namespace dagrad
