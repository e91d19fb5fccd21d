// Masks of dropout: bit i % 8 of byte i / 8 says whether element i is kept. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"
#include "dagrad/core/philox.h"

namespace dagrad::dropout_kernels {

/// Elements whose bits are drawn at a time.
inline constexpr std::int64_t kUnit = philox::kWords, kUnitBytes = kUnit / 8;
/// Bytes beyond the last bit that kernels may touch.
inline constexpr std::int64_t kSlack = 8;

/// What becomes of an element: scale x + shift, or `dropped`.
struct Outcome {
  double scale, shift, dropped;
};

/// kUnit bits: whether the words of a Generator's stream from a block on are `last_kept` or below.
void draw(std::uint64_t seed, std::uint64_t position, std::uint32_t last_kept, std::uint8_t* bits);

/// dst[i] = bits[i] ? scale src[i] + shift : dropped; dst may be src.
void apply(const float* src, const std::uint8_t* bits, const Outcome& outcome, float* dst, std::int64_t count);
void apply(const BFloat16* src, const std::uint8_t* bits, const Outcome& outcome, BFloat16* dst, std::int64_t count);
void apply(const double* src, const std::uint8_t* bits, const Outcome& outcome, double* dst, std::int64_t count);

}  // namespace dagrad::dropout_kernels
