// Kernels of products of matrices whose operands are read as they lie, for processors with AVX-512. Internal.
//
// An operand is made of words of 32 bits along the inner dimension: a float, or two bf16 that follow each other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::tile_kernels {

/// Columns of a strip: four vectors.
inline constexpr std::int64_t kWidth = 64;

/// Whether this processor has the kernels, and is of a kind that they suit: rows of b come from the second-level cache
/// while they are multiplied. Zen 4, on which they were measured to beat oneDNN's, starts one product of 512-bit
/// vectors a cycle and so asks for 11 bytes a cycle; Zen 5 starts two and asks for 22, of 64 that its cache gives (not
/// measured).
bool available();

/// What is brought into the cache in the shadow of the multiplications: kWidth columns that come next, a row for each
/// word (of bf16 two).
struct Next {
  const std::byte* src = nullptr;
  std::ptrdiff_t row = 0;
  std::byte* to = nullptr;  // where they are gathered; null: they stay where they are
};

/// dst[i, j] = sum over k of a[i, k] b[k, j] (+ bias[j]), or with `relu` what of it is above 0; all steps are in bytes.
struct Strip {
  std::int64_t rows = 0;     // of a
  std::int64_t inner = 0;    // words
  std::int64_t columns = 0;  // a multiple of 16
  const std::byte* a = nullptr;
  std::ptrdiff_t a_row = 0;      // from a row to the next
  std::ptrdiff_t a_word = 0;     // from a word to the next
  const std::byte* b = nullptr;  // words in line
  std::ptrdiff_t b_row = 0;
  std::ptrdiff_t b_strip = kWidth * 4;  // from kWidth columns to the next
  std::byte* dst = nullptr;
  std::ptrdiff_t dst_row = 0;
  Next next = {};
  const float* bias = nullptr;  // or null
  bool relu = false;
};
/// Row by row, from the left to the right. For float and float, BFloat16 and float, BFloat16 and BFloat16. Sums
/// are in f32 in any case.
template <class T, class Out>
void multiply(const Strip& strip);

/// Rows as columns: to[k * kWidth + i] = word k of row i <= kWidth. Up to the next multiple of 16 rows there is zero.
void turn(const std::byte* src, std::ptrdiff_t row, std::int64_t rows, std::int64_t words, std::byte* to);

/// dst[i, j] = sums[j * kWidth + i] (+ bias[j]), or with `relu` what of it is above 0, for at most kWidth rows of dst.
/// For float and BFloat16.
template <class Out>
void turn_back(const float* sums, std::int64_t rows, std::int64_t columns, const float* bias, bool relu, std::byte* dst,
               std::ptrdiff_t dst_row);

/// The words of a matrix along its columns, row by row: to[k] = rows k, or for BFloat16 pairs of rows 2k and 2k + 1.
/// For float and BFloat16.
template <class T>
void gather(const std::byte* src, std::ptrdiff_t row, std::int64_t words, std::int64_t columns, std::byte* to,
            std::ptrdiff_t to_row);

}  // namespace dagrad::tile_kernels
