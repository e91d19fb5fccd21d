// Products of small matrices. Internal.
#pragma once

#include <cstdint>

namespace dagrad::small_matmul {

/// A matrix of f32 as it lies: element [i, j] is at data[i * row + j * column].
struct Matrix {
  const float* data;
  std::int64_t row, column;
};

/// dst [rows, columns], without gaps.
struct Problem {
  std::int64_t rows, inner, columns;
  Matrix a;                     // [rows, inner]
  Matrix b;                     // [inner, columns]
  const float* bias = nullptr;  // [columns], or none
  bool relu = false;            // dst = max(dst, 0) at the end; NaN stays NaN
  float* dst = nullptr;
};

/// Whether these loops beat a primitive, for which looking it up, setting its pointers and entering it takes as long
/// as 16,000 multiplications.
bool suits(std::int64_t rows, std::int64_t inner, std::int64_t columns);

/// dst = a b (+ bias), on the calling thread.
void run(const Problem& problem);

/// The most rows that column_sums() adds up in f32; more would lose digits.
inline constexpr std::int64_t kMostSummed = 1024;
/// dst[j] = sum over i of src[i, j], for src [rows, columns] without gaps, on as many threads as pay: the same bits on
/// any number.
void column_sums(const float* src, std::int64_t rows, std::int64_t columns, float* dst);

}  // namespace dagrad::small_matmul
