// The kernel of dropout. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::dropout_kernels {

/// Words of a Generator's stream, from the first of block `position`.
struct Stream {
  std::uint64_t seed, position;
};

/// dst[i] = src[i] scale where word i of the stream is below `threshold` (of 2^32), else 0.
void keep(Stream stream, std::uint64_t threshold, double scale, const float* src, float* dst, std::int64_t count);
void keep(Stream stream, std::uint64_t threshold, double scale, const BFloat16* src, BFloat16* dst, std::int64_t count);
void keep(Stream stream, std::uint64_t threshold, double scale, const double* src, double* dst, std::int64_t count);

}  // namespace dagrad::dropout_kernels
