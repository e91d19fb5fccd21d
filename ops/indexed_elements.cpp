#include "dagrad/ops/indexed_elements.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <hwy/cache_control.h>

#include "dagrad/core/capture/each_replay_on.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/streamed_copy.h"
#include "dagrad/core/strided_loop.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread

/// Position `flat` in row-major order, as in `3` or `[0, 3]`.
std::string position(std::int64_t flat, const Shape& shape) {
  const Shape index = index_at(shape, flat);
  return shape.rank() == 1 ? fmt::format("{}", index[0]) : index.str();
}

/// Throws unless low <= index < high everywhere; `range` says what that means.
template <class Describe>
void check_range(std::string_view op, const Tensor& row_major, std::int64_t low, std::int64_t high,
                 const Describe& range) {
  const std::int64_t* const begin = row_major.data<std::int64_t>();
  const std::int64_t* const end = begin + row_major.numel();
  // The sign of i - low or of high - 1 - i is set where i is out of range. Without comparisons, which SSE2 lacks for 64
  // bits, and without an early end the loop is vectorised.
  const auto first = static_cast<std::uint64_t>(low), span = static_cast<std::uint64_t>(high) - first;
  std::uint64_t signs = 0;
  for (const std::int64_t* at = begin; at != end; ++at) {
    const std::uint64_t offset = static_cast<std::uint64_t>(*at) - first;
    signs |= offset | (span - 1 - offset);
  }
  if (static_cast<std::int64_t>(signs) >= 0) return;
  const std::int64_t* const bad = std::find_if(begin, end, [=](std::int64_t i) { return i < low || i >= high; });
  throw UsageError(fmt::format("{}: index out of range: {} at position {} (want {})", op, *bad,
                               position(bad - begin, row_major.shape()), range()));
}

/// check(index in row-major order) now and in each replay of a captured step.
template <class F>
void check_each_time(std::string_view op, const Tensor& index, const F& check) {
  each_replay_on(op, {&index, 1}, {}, [check](auto in, auto) { check(contiguous_data(in[0])); });
}

/// Calls f with an unsigned integer as large as an element, for what moves elements and does not look at them.
template <class F>
void visit_size(DType dtype, const F& f) {
  switch (item_size(dtype)) {
    case 8: return f(std::uint64_t{});
    case 4: return f(std::uint32_t{});
    case 2: return f(std::uint16_t{});
    default: return f(std::uint8_t{});
  }
}

/// put(element of dst, value) for each element of index. Lines along the axis are shared out among threads, and each is
/// walked from its start, so that the order in which values meet in an element is always the same.
template <class To, class From, class Put>
void scatter(const From* values, const Strides& values_strides, int axis, const Tensor& index, To* dst,
             const Strides& dst_strides, const Put& put) {
  if (index.numel() == 0) return;
  const std::int64_t length = index.shape()[axis];
  const std::int64_t step = dst_strides[axis], value_step = values_strides[axis], index_step = index.strides()[axis];
  Shape starts = index.shape();
  starts[axis] = 1;
  const StridedLoop<3> loop(starts, {&dst_strides, &index.strides(), &values_strides});
  const std::int64_t across = loop.row_stride(0), index_across = loop.row_stride(1), value_across = loop.row_stride(2);
  const std::int64_t* indices = index.data<std::int64_t>();
  for_all_rows(loop, std::max<std::int64_t>(16, kGrain / length), [&](const auto& at, std::int64_t count) {
    To* const to = dst + at[0];
    const std::int64_t* const where = indices + at[1];
    const From* const from = values + at[2];
    const auto put_one = [&](std::int64_t i, std::int64_t j) {
      put(to[j * across + where[j * index_across + i * index_step] * step], from[j * value_across + i * value_step]);
    };
    if (index_across == 0 && across == 1 && value_across == 1) {
      for (std::int64_t i = 0; i < length; ++i) {
        To* const row = to + where[i * index_step] * step;
        const From* const value_row = from + i * value_step;
        for (std::int64_t j = 0; j < count; ++j) put(row[j], value_row[j]);
      }
    } else if (across < step) {
      // Several lines side by side: along the axis each element would be in another cache line (78 ms in place of 30
      // for 2048 x 2048 along axis 0).
      for (std::int64_t i = 0; i < length; ++i) {
        for (std::int64_t j = 0; j < count; ++j) put_one(i, j);
      }
    } else if (step == 1 && index_step == 1) {
      for (std::int64_t j = 0; j < count; ++j) {
        To* const line = to + j * across;
        const std::int64_t* const line_where = where + j * index_across;
        const From* const line_from = from + j * value_across;
        if (value_step == 1) {
          for (std::int64_t i = 0; i < length; ++i) put(line[line_where[i]], line_from[i]);
        } else {
          for (std::int64_t i = 0; i < length; ++i) put(line[line_where[i]], line_from[i * value_step]);
        }
      }
    } else {
      for (std::int64_t j = 0; j < count; ++j) {
        for (std::int64_t i = 0; i < length; ++i) put_one(i, j);
      }
    }
  });
}

template <class To, class From>
void scatter_add(const Tensor& values, int axis, const Tensor& index, Tensor& dst) {
  scatter(values.data<From>(), values.strides(), axis, index, dst.mutable_data<To>(), dst.strides(),
          [](To& sum, From value) { sum += convert_to<To>(value); });
}

}  // namespace

void check_index_type(std::string_view op, const Tensor& index) {
  if (index.dtype() != i64) throw DTypeError(fmt::format("{}: index is {} (want i64)", op, name_of(index.dtype())));
}

void check_index(std::string_view op, const Tensor& index, const Tensor& src, int axis) {
  check_index_type(op, index);
  const std::int64_t size = src.dim() == 0 ? 1 : src.shape()[axis];
  check_each_time(op, index, [op, size, axis, shape = src.shape()](const Tensor& row_major) {
    check_range(op, row_major, 0, size, [&] {
      return size == 0 ? fmt::format("none: axis {} of {} is empty", axis, shape.str())
                       : fmt::format("0 to {} for axis {} of {}", size - 1, axis, shape.str());
    });
  });
}

void check_index(std::string_view op, const Tensor& index, std::int64_t classes) {
  check_index_type(op, index);
  check_each_time(op, index, [op, classes](const Tensor& row_major) {
    check_range(op, row_major, 0, classes, [&] {
      return classes <= 0 ? std::string("none: there are 0 classes") : fmt::format("0 to {}", classes - 1);
    });
  });
}

Tensor wrap_index(std::string_view op, const Tensor& index, std::int64_t n) {
  check_index_type(op, index);
  check_each_time(op, index, [op, n](const Tensor& row_major) {
    check_range(op, row_major, -n, n, [&] {
      return n == 0 ? std::string("none: the source is empty") : fmt::format("{} to {} for {} elements", -n, n - 1, n);
    });
  });
  const Tensor numbers = contiguous_data(index);
  const std::int64_t* const begin = numbers.data<std::int64_t>();
  const auto is_negative = [](std::int64_t i) { return i < 0; };
  // In a replay of a captured step there may be some.
  if (!watched(Watch::capture) && std::none_of(begin, begin + numbers.numel(), is_negative)) return index;
  Tensor result = Tensor::allocate(index.spec());
  each_replay_on(op, {&index, 1}, {&result, 1}, [n](auto in, auto out) {
    const Tensor row_major = contiguous_data(in[0]);
    const std::int64_t* from = row_major.template data<std::int64_t>();
    std::transform(from, from + row_major.numel(), out[0].template mutable_data<std::int64_t>(),
                   [n](std::int64_t k) { return k < 0 ? k + n : k; });
  });
  return result;
}

Tensor index_across(const Tensor& index, int axis, const Shape& shape) {
  Strides strides = Shape::filled(shape.rank(), 0);
  if (index.dim() == 1) strides[axis] = index.strides()[0];
  return index.alias(shape, strides, index.offset());
}

void gather_elements(const Tensor& src, int axis, const Tensor& index, Tensor& dst) {
  if (dst.numel() == 0) return;
  Strides src_strides = src.strides();
  const std::int64_t step = src_strides[axis];
  src_strides[axis] = 0;
  const StridedLoop<3> loop(dst.shape(), {&dst.strides(), &index.strides(), &src_strides});
  const std::int64_t to_step = loop.row_stride(0), index_step = loop.row_stride(1), from_step = loop.row_stride(2);
  const std::int64_t* indices = index.data<std::int64_t>();
  const bool streamed = static_cast<std::int64_t>(dst.bytes()) >= kStreamedBytes;
  visit_size(dst.dtype(), [&]<class T>(T) {
    T* const to_all = static_cast<T*>(dst.mutable_raw_data());
    const T* const from_all = static_cast<const T*>(src.raw_data());
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
      T* const to = to_all + at[0];
      const std::int64_t* const where = indices + at[1];
      const T* const from = from_all + at[2];
      if (index_step == 0 && to_step == 1 && from_step == 1) {
        const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
        if (streamed)
          streamed_copy(to, from + *where * step, bytes);
        else
          std::memcpy(to, from + *where * step, bytes);
      } else if (to_step == 1 && index_step == 1 && from_step == 0 && step == 1) {
        for (std::int64_t j = 0; j < count; ++j) to[j] = from[where[j]];
      } else if (to_step == 1 && index_step == 1 && from_step == 1) {
        for (std::int64_t j = 0; j < count; ++j) to[j] = from[j + where[j] * step];
      } else {
        for (std::int64_t j = 0; j < count; ++j) to[j * to_step] = from[j * from_step + where[j * index_step] * step];
      }
    });
    if (streamed) hwy::FlushStream();  // other threads' locked instructions at the end of the loop did so for them
  });
}

void scatter_elements(const Tensor& values, int axis, const Tensor& index, Tensor& dst) {
  visit_size(dst.dtype(), [&]<class T>(T) {
    scatter(static_cast<const T*>(values.raw_data()), values.strides(), axis, index,
            static_cast<T*>(dst.mutable_raw_data()), dst.strides(), [](T& to, T value) { to = value; });
  });
}

void scatter_number(double number, int axis, const Tensor& index, Tensor& dst) {
  const Strides still = Shape::filled(index.dim(), 0);
  visit_dtype(dst.dtype(), [&]<class T>(T) {
    const T value = convert_to<T>(number);
    scatter(&value, still, axis, index, dst.mutable_data<T>(), dst.strides(), [](T& to, T from) { to = from; });
  });
}

void scatter_add_elements(const Tensor& values, int axis, const Tensor& index, Tensor& dst) {
  switch (dst.dtype()) {
    case DType::f32: return scatter_add<float, float>(values, axis, index, dst);
    case DType::f64: return scatter_add<double, double>(values, axis, index, dst);
    case DType::i64: return scatter_add<std::int64_t, std::int64_t>(values, axis, index, dst);
    default: break;
  }
  Tensor sums = Tensor::allocate({dst.shape(), f32});
  copy_elements(dst, sums);
  scatter_add<float, BFloat16>(values, axis, index, sums);
  copy_elements(sums, dst);
}

}  // namespace dagrad
