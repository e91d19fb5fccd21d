// What reductions do with runs of elements in memory. Internal.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dagrad::fold {

/// Each maps the elements and folds the results into one. The numbers c that some take stand for a centre or a power.
enum class Kind : std::uint8_t {
  sum,                      // x
  sum_of_absolutes,         // |x|
  sum_of_exponentials,      // e^(x - c)
  sum_of_powers,            // |x|^c
  count_of_nonzeros,        // x != 0
  count_of_equals,          // x == c
  largest,                  // x; NaN when there is one
  smallest,                 // likewise
  largest_absolute,         // |x|, likewise
  smallest_absolute,        // likewise
  product,                  // x, in f64
  exact_sum,                // x, in f64
  sum_of_distances,         // x - c, in f64
  sum_of_squares,           // x^2, in f64
  sum_of_squared_distances  // (x - c)^2, in f64
};

/// The most elements of a row, and rows of a column, that are folded without rounding to something wider than f32.
inline constexpr std::int64_t kRowBlock = 4096, kColumnBlock = 256;

/// What folding nothing gives.
double start(Kind kind);
/// Two results as one.
double join(Kind kind, double a, double b);

/// A row of at most kRowBlock elements that lie in line.
double row(Kind kind, const float* x, std::int64_t count, double c);
double row(Kind kind, const double* x, std::int64_t count, double c);

/// into[j] = join(into[j], the fold of x[i * stride + j] over at most kColumnBlock rows i). c has a number for each of
/// the `count` <= 1024 columns, or is null.
void columns(Kind kind, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const double* c,
             double* into);
void columns(Kind kind, const double* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const double* c,
             double* into);

/// The sum of a row of any length.
template <class T>
T sum_of_row(const T* x, std::int64_t count) {
  double total = 0;
  for (std::int64_t i = 0; i < count; i += kRowBlock) total += row(Kind::sum, x + i, std::min(kRowBlock, count - i), 0);
  return static_cast<T>(total);
}

/// Rows and columns of integers, whose sums and products wrap: sum, product, count_of_nonzeros, largest, smallest.
std::int64_t start_of_integers(Kind kind);
std::int64_t join(Kind kind, std::int64_t a, std::int64_t b);
std::int64_t row(Kind kind, const std::int64_t* x, std::int64_t count);
void columns(Kind kind, const std::int64_t* x, std::int64_t stride, std::int64_t rows, std::int64_t count,
             std::int64_t* into);

}  // namespace dagrad::fold
