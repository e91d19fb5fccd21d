// Kernels of products whose rows are weighted sums of rows of memory. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::row_sums {

/// The fewest columns.
inline constexpr std::int64_t kLeastColumns = 16;

/// dst[i, j] = sum over k of a[i, k] b[k, j] for a few rows of a; steps in elements.
template <class T, class Out>
struct Job {
  std::int64_t rows, inner, columns;
  const T* a;
  std::int64_t a_row, a_column;
  const T* b;  // columns in line
  std::int64_t b_row;
  Out* dst;  // columns in line
  std::int64_t dst_row;
};

/// On the calling thread, b read once for each six rows. Sums are in f32, and do not depend on where an element lies.
void run(const Job<float, float>& job);
void run(const Job<BFloat16, BFloat16>& job);
void run(const Job<BFloat16, float>& job);

}  // namespace dagrad::row_sums
