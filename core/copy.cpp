#include "dagrad/core/copy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <hwy/cache_control.h>
#include <optional>

#include "dagrad/core/add_observer.h"
#include "dagrad/core/bf16_rows.h"
#include "dagrad/core/capture/capture.h"
#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/streamed_copy.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/core/transposed_tile.h"

namespace dagrad {
namespace detail {

constinit thread_local AddObserver* add_observer = nullptr;

}  // namespace detail

namespace {

// A thread is worth starting above this many elements (a fork costs about 1 us, a core moves 10 to 20 elements a ns).
constexpr std::int64_t kGrain = 64 << 10;

/// Zeros are left to memset, which writes what is large past the caches: 16 MiB in 0.3 ms in place of 1.2.
template <class T>
void fill_row(T* dst, T value, std::int64_t count) {
  using Bytes = std::array<std::byte, sizeof(T)>;
  if (std::bit_cast<Bytes>(value) == Bytes{})  // -0.0 equals zero, but its bytes are not
    std::memset(static_cast<void*>(dst), 0, static_cast<std::size_t>(count) * sizeof(T));
  else
    std::fill_n(dst, count, value);
}

template <class To, class From>
void copy_row(To* dst, std::int64_t dst_stride, const From* src, std::int64_t src_stride, std::int64_t count,
              bool streamed) {
  if (dst_stride == 1 && src_stride == 0) return fill_row(dst, convert_to<To>(*src), count);
  if constexpr (std::is_same_v<To, From>) {
    if (dst_stride == 1 && src_stride == 1) {
      const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(To);
      if (streamed)
        streamed_copy(dst, src, bytes);
      else
        std::memcpy(dst, src, bytes);
      return;
    }
    if (dst_stride == 1 && src_stride == -1) {
      std::reverse_copy(src - (count - 1), src + 1, dst);
      return;
    }
  }
  if constexpr (std::is_same_v<To, BFloat16> && std::is_same_v<From, float>) {
    if (dst_stride == 1 && src_stride == 1) return narrow(src, dst, count);
  }
  if constexpr (std::is_same_v<To, float> && std::is_same_v<From, BFloat16>) {
    if (dst_stride == 1 && src_stride == 1) return widen(src, dst, count);
  }
  for (std::int64_t i = 0; i < count; ++i) dst[i * dst_stride] = convert_to<To>(src[i * src_stride]);
}

template <class T>
void add_row(T* dst, std::int64_t dst_stride, const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride,
             std::int64_t count) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    for (std::int64_t i = 0; i < count; ++i) {
      dst[i * dst_stride] = BFloat16(static_cast<float>(a[i * a_stride]) + static_cast<float>(b[i * b_stride]));
    }
  } else if (dst_stride == 1 && a_stride == 1 && b_stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) dst[i] = a[i] + b[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) dst[i * dst_stride] = a[i * a_stride] + b[i * b_stride];
  }
}

/// Copies transposes (one, or a batch of them) in tiles, so that neither side strides through memory for long.
template <class T>
bool copy_transposed(const StridedLoop<2>& loop, T* dst, const T* src) {
  // dst runs along dimension 0, src along dimension 1; a third dimension counts the matrices.
  if (loop.rank < 2 || loop.rank > 3 || loop.strides[0][0] != 1 || loop.strides[1][1] != 1) return false;
  const std::int64_t columns = loop.sizes[0], rows = loop.sizes[1], batch = loop.rank == 3 ? loop.sizes[2] : 1;
  const std::int64_t dst_step = loop.strides[0][1], src_step = loop.strides[1][0];
  const bool streamed = columns * rows * batch * static_cast<std::int64_t>(sizeof(T)) >= kStreamedBytes;
  const std::int64_t bands = (rows + kTransposedTile - 1) / kTransposedTile;
  const auto copy_band = [&](std::int64_t r0, T* to, const T* from) {
    const std::int64_t height = std::min(kTransposedTile, rows - r0);
    for (std::int64_t c0 = 0; c0 < columns; c0 += kTransposedTile)
      copy_transposed_tile(from + c0 * src_step + r0, src_step, to + r0 * dst_step + c0, dst_step, height,
                           std::min(kTransposedTile, columns - c0), streamed);
  };
  parallel_for(batch * bands, std::max<std::int64_t>(1, kGrain / (kTransposedTile * columns + 1)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t matrix = i / bands;
                   copy_band(i % bands * kTransposedTile, dst + matrix * loop.strides[0][2],
                             src + matrix * loop.strides[1][2]);
                 }
                 if (streamed) hwy::FlushStream();
               });
  return true;
}

template <class T>
void copy_steps(T* dst, std::int64_t dst_step, const T* src, std::int64_t src_step, std::int64_t count) {
  if (src_step == 1) {
    for (std::int64_t i = 0; i < count; ++i) dst[i * dst_step] = src[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) dst[i * dst_step] = src[i * src_step];
  }
}

/// Copies many rows of a few elements, of which each would take as long as a call: those at one place of all rows,
/// block by block. (Each of 2048 x 1024 elements twice: 3.6 ms row by row.)
template <class T>
bool copy_short_rows(const StridedLoop<2>& loop, T* dst, const T* src) {
  constexpr std::int64_t kShort = 8, kBlock = 1024;
  const std::int64_t length = loop.sizes[0], rows = loop.sizes[1], batch = loop.rank == 3 ? loop.sizes[2] : 1;
  if (loop.rank < 2 || loop.rank > 3 || length >= kShort || rows < 2 * kShort) return false;
  const std::int64_t dst_step = loop.strides[0][1], src_step = loop.strides[1][1];
  const std::int64_t blocks = (rows + kBlock - 1) / kBlock;
  parallel_for(batch * blocks, std::max<std::int64_t>(1, kGrain / (length * std::min(kBlock, rows))),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t n = begin; n < end; ++n) {
                   const std::int64_t from = n % blocks * kBlock, count = std::min(kBlock, rows - from);
                   T* const to = dst + n / blocks * loop.strides[0][2] + from * dst_step;
                   const T* const of = src + n / blocks * loop.strides[1][2] + from * src_step;
                   for (std::int64_t k = 0; k < length; ++k)
                     copy_steps(to + k * loop.row_stride(0), dst_step, of + k * loop.row_stride(1), src_step, count);
                 }
               });
  return true;
}

/// A copy in another layout; a kernel that needs one of an operand books it.
Tensor relaid(const Tensor& t, const Spec& spec) {
  std::optional<onednn::Booking> booking;
  if (watched(Watch::ledger) && RunningOp::current() != nullptr)
    booking.emplace(onednn::Identity{"copy", "dagrad", 2 * t.bytes()});
  Tensor copy = Tensor::allocate(spec);
  copy_elements(t, copy);
  return copy;
}

}  // namespace

void copy_elements(const Tensor& src, Tensor& dst) {
  if (dst.numel() == 0) return;
  if (watched(Watch::capture)) [[unlikely]]
    return Capture::on("copy", {&src, 1}, {&dst, 1}, [](auto in, auto out) { copy_elements(in[0], out[0]); });
  const Strides& dst_strides = dst.strides();
  const Strides& src_strides = src.strides();
  const StridedLoop<2> loop(dst.shape(), {&dst_strides, &src_strides});
  visit_dtype(dst.dtype(), [&]<class To>(To) {
    To* to = dst.mutable_data<To>();
    visit_dtype(src.dtype(), [&]<class From>(From) {
      const From* from = src.data<From>();
      if constexpr (std::is_same_v<To, From>) {
        if (copy_short_rows(loop, to, from) || copy_transposed(loop, to, from)) return;
      }
      // A single row memcpy writes past the caches by itself, where that pays; it does not where a small source
      // repeats.
      const auto* const steps = loop.strides[1].data();
      const bool streamed = loop.rank > 1 && static_cast<std::int64_t>(dst.bytes()) >= kStreamedBytes &&
                            std::find(steps, steps + loop.rank, 0) == steps + loop.rank;
      for_all_rows(loop, kGrain, [&](const auto& offsets, std::int64_t n) {
        copy_row(to + offsets[0], loop.row_stride(0), from + offsets[1], loop.row_stride(1), n, streamed);
      });
      if (streamed) hwy::FlushStream();  // other threads' locked instructions at the end of the loop did so for them
    });
  });
}

Tensor contiguous_data(const Tensor& t) { return t.is_contiguous() ? t : relaid(t, t.spec()); }

Tensor channels_last_data(const Tensor& t) {
  if (t.dim() < 3 || t.dim() > 5) return contiguous_data(t);
  if (t.is_channels_last()) return t;
  return relaid(t, {t.shape(), t.dtype(), Format::channels_last});
}

void add_elements(const Tensor& a, const Tensor& b, Tensor& dst) {
  if (dst.numel() == 0) return;
  if (watched(Watch::capture)) [[unlikely]]
    return Capture::on("add", std::array{a, b}, {&dst, 1},
                       [](auto in, auto out) { add_elements(in[0], in[1], out[0]); });
  if (detail::add_observer != nullptr) [[unlikely]]
    return detail::add_observer->added(a, b, dst);
  if (dst.dtype() == f32 && dst.numel() <= kGrain && dst.is_contiguous() && a.is_contiguous() && b.is_contiguous()) {
    return add_row(dst.mutable_data<float>(), 1, a.data<float>(), 1, b.data<float>(), 1, dst.numel());
  }
  const Strides& dst_strides = dst.strides();
  const Strides& a_strides = a.strides();
  const Strides& b_strides = b.strides();
  const StridedLoop<3> loop(dst.shape(), {&dst_strides, &a_strides, &b_strides});
  const auto run = [&]<class T>(T) {
    T* to = dst.mutable_data<T>();
    const T* from_a = a.data<T>();
    const T* from_b = b.data<T>();
    for_all_rows(loop, kGrain, [&](const auto& offsets, std::int64_t n) {
      add_row(to + offsets[0], loop.row_stride(0), from_a + offsets[1], loop.row_stride(1), from_b + offsets[2],
              loop.row_stride(2), n);
    });
  };
  switch (dst.dtype()) {
    case DType::f32: run(float{}); break;
    case DType::f64: run(double{}); break;
    default: run(BFloat16{}); break;
  }
}

}  // namespace dagrad
