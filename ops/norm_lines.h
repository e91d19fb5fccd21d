// Kernels of the normalizations over elements that lie in line, and over the rows of a matrix. Internal.
//
// x is what is normalised, g its result's gradient; y, where it is given, is the result of a fused relu, and g counts
// only where y > 0. For f32 and bf16 they are SIMD loops, which compute in f32, for f64 plain ones.
#pragma once

#include <array>
#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::norm_lines {

/// The mean, and the sum of the squared distances from it.
template <class T>
struct Moments {
  T mean, squares;
};

/// sum(g) and sum(g (x - mean)).
template <class T>
struct Sums {
  T g, gx;
};

/// For each element diff = scale (weight g) - shift - (x - mean) slope.
template <class T>
struct Gradient {
  T mean, scale, shift, slope;
};

// --- a line that has one mean ---

/// In two passes, and over blocks of 4096 elements, whose moments are merged in f64: rounded at most 263 times each.
Moments<float> moments(const float* x, std::int64_t count);
Moments<float> moments(const BFloat16* x, std::int64_t count);
Moments<double> moments(const double* x, std::int64_t count);

/// sum(x^2).
float squares(const float* x, std::int64_t count);
double squares(const double* x, std::int64_t count);

/// dst = (x - mean) scale + shift, or with `relu` what of it is above 0.
void normalize(const float* x, float mean, float scale, float shift, bool relu, float* dst, std::int64_t count);
void normalize(const BFloat16* x, float mean, float scale, float shift, bool relu, BFloat16* dst, std::int64_t count);
void normalize(const double* x, double mean, double scale, double shift, bool relu, double* dst, std::int64_t count);

Sums<float> sums(const float* g, const float* x, const float* y, float mean, std::int64_t count);
Sums<float> sums(const BFloat16* g, const BFloat16* x, const BFloat16* y, float mean, std::int64_t count);
Sums<double> sums(const double* g, const double* x, const double* y, double mean, std::int64_t count);

/// The gradient, with weight 1.
void gradient(const float* g, const float* x, const float* y, Gradient<float> by, float* dst, std::int64_t count);
void gradient(const BFloat16* g, const BFloat16* x, const BFloat16* y, Gradient<float> by, BFloat16* dst,
              std::int64_t count);
void gradient(const double* g, const double* x, const double* y, Gradient<double> by, double* dst, std::int64_t count);

// --- the same with a weight and a bias for each element (null: 1, and 0) ---

/// dst = (x - mean) scale weight + bias; of f32 past the caches with `streamed`, which finish_streaming() waits for.
void normalize_each(const float* x, float mean, float scale, const float* weight, const float* bias, float* dst,
                    std::int64_t count, bool streamed);
void normalize_each(const double* x, double mean, double scale, const double* weight, const double* bias, double* dst,
                    std::int64_t count, bool streamed);

/// Of weight g. To diff_weight is added g (x - mean) scale and to diff_bias g, where they are not null.
Sums<float> sums_each(const float* g, const float* x, float mean, float scale, const float* weight, float* diff_weight,
                      float* diff_bias, std::int64_t count);
Sums<double> sums_each(const double* g, const double* x, double mean, double scale, const double* weight,
                       double* diff_weight, double* diff_bias, std::int64_t count);

/// The same for four lines that follow each other, with a mean (null: 0) and a scale each; `diff_weight` and
/// `diff_bias` are read and written once.
std::array<Sums<float>, 4> sums_each_of_four(const float* g, const float* x, const float* means, const float* scales,
                                             const float* weight, float* diff_weight, float* diff_bias,
                                             std::int64_t count);
std::array<Sums<double>, 4> sums_each_of_four(const double* g, const double* x, const double* means,
                                              const double* scales, const double* weight, double* diff_weight,
                                              double* diff_bias, std::int64_t count);

/// The gradient, streamed as normalize_each().
void gradient_each(const float* g, const float* x, const float* weight, Gradient<float> by, float* dst,
                   std::int64_t count, bool streamed);
void gradient_each(const double* g, const double* x, const double* weight, Gradient<double> by, double* dst,
                   std::int64_t count, bool streamed);

/// Before another thread may read what was streamed, the calling thread has to wait for it (once at the end).
void finish_streaming();

// --- the columns of a matrix whose rows lie one after the other ---

/// A matrix [rows, columns].
struct Size {
  std::int64_t rows, columns;
};

/// Each column's moments; rows > 0.
void column_moments(const float* x, Size size, float* mean, float* squares);
void column_moments(const BFloat16* x, Size size, float* mean, float* squares);
void column_moments(const double* x, Size size, double* mean, double* squares);

/// Each column's sums.
void column_sums(const float* g, const float* x, const float* y, const float* mean, Size size, float* sum_g,
                 float* sum_gx);
void column_sums(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean, Size size, float* sum_g,
                 float* sum_gx);
void column_sums(const double* g, const double* x, const double* y, const double* mean, Size size, double* sum_g,
                 double* sum_gx);

/// normalize() with a mean, scale and shift for each column.
void normalize_columns(const float* x, const float* mean, const float* scale, const float* shift, bool relu, float* dst,
                       Size size);
void normalize_columns(const BFloat16* x, const float* mean, const float* scale, const float* shift, bool relu,
                       BFloat16* dst, Size size);
void normalize_columns(const double* x, const double* mean, const double* scale, const double* shift, bool relu,
                       double* dst, Size size);

/// gradient() likewise. Without slopes (null) it is scale g.
void gradient_columns(const float* g, const float* x, const float* y, const float* mean, const float* scale,
                      const float* shift, const float* slope, float* dst, Size size);
void gradient_columns(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean, const float* scale,
                      const float* shift, const float* slope, BFloat16* dst, Size size);
void gradient_columns(const double* g, const double* x, const double* y, const double* mean, const double* scale,
                      const double* shift, const double* slope, double* dst, Size size);

}  // namespace dagrad::norm_lines
