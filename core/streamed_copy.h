// Copies past the caches. Internal.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dagrad {

/// From so many bytes on nobody finds a result in the caches, and it is better written past them: what is overwritten
/// is not read first. (Four parts of 2048 x 512 f32 side by side: 2.1 ms with memcpy for each row.)
inline constexpr std::int64_t kStreamedBytes = 8 << 20;

/// Copies bytes past the caches; other threads see them after a fence (hwy::FlushStream) only.
inline void streamed_copy(void* dst, const void* src, std::size_t bytes) {
#ifdef __SSE2__
  auto* to = static_cast<char*>(dst);
  const auto* from = static_cast<const char*>(src);
  // Whole cache lines of rows that are not short: a line in two parts is written twice.
  if (bytes >= 1024 && reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
    std::size_t i = 0;
    for (; i + 64 <= bytes; i += 64) {
      for (std::size_t k = i; k < i + 64; k += 16)
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + k),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k)));
    }
    std::memcpy(to + i, from + i, bytes - i);
    return;
  }
#endif
  std::memcpy(dst, src, bytes);
}

}  // namespace dagrad
