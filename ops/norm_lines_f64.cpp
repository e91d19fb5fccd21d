// The reference kernels of the normalizations.
#include <cstddef>

#include "dagrad/ops/norm_lines.h"

namespace dagrad::norm_lines {
namespace {

double passed(const double* g, const double* y, std::int64_t i) { return y == nullptr || y[i] > 0 ? g[i] : 0; }
double above_zero(double value, bool relu) { return relu && value < 0 ? 0 : value; }
double weight_at(const double* weight, std::int64_t i) { return weight == nullptr ? 1 : weight[i]; }

}  // namespace

Moments<double> moments(const double* x, std::int64_t count) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(count);
  for (std::int64_t i = 0; i < count; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, squares};
}

double squares(const double* x, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += x[i] * x[i];
  return sum;
}

void normalize(const double* x, double mean, double scale, double shift, bool relu, double* dst, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) dst[i] = above_zero((x[i] - mean) * scale + shift, relu);
}

Sums<double> sums(const double* g, const double* x, const double* y, double mean, std::int64_t count) {
  Sums<double> result{0, 0};
  for (std::int64_t i = 0; i < count; ++i) {
    result.g += passed(g, y, i);
    result.gx += passed(g, y, i) * (x[i] - mean);
  }
  return result;
}

void gradient(const double* g, const double* x, const double* y, Gradient<double> by, double* dst, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double slope = by.slope == 0 ? 0 : (x[i] - by.mean) * by.slope;  // not 0 * infinity
    dst[i] = passed(g, y, i) * by.scale - by.shift - slope;
  }
}

void normalize_each(const double* x, double mean, double scale, const double* weight, const double* bias, double* dst,
                    std::int64_t count, bool) {
  for (std::int64_t i = 0; i < count; ++i)
    dst[i] = (x[i] - mean) * scale * weight_at(weight, i) + (bias == nullptr ? 0 : bias[i]);
}

Sums<double> sums_each(const double* g, const double* x, double mean, double scale, const double* weight,
                       double* diff_weight, double* diff_bias, std::int64_t count) {
  Sums<double> result{0, 0};
  for (std::int64_t i = 0; i < count; ++i) {
    result.g += g[i] * weight_at(weight, i);
    result.gx += g[i] * weight_at(weight, i) * (x[i] - mean);
    if (diff_weight != nullptr) diff_weight[i] += g[i] * (x[i] - mean) * scale;
    if (diff_bias != nullptr) diff_bias[i] += g[i];
  }
  return result;
}

std::array<Sums<double>, 4> sums_each_of_four(const double* g, const double* x, const double* means,
                                              const double* scales, const double* weight, double* diff_weight,
                                              double* diff_bias, std::int64_t count) {
  std::array<Sums<double>, 4> result;
  for (std::size_t k = 0; k < 4; ++k, g += count, x += count)
    result[k] = sums_each(g, x, means == nullptr ? 0 : means[k], scales[k], weight, diff_weight, diff_bias, count);
  return result;
}

void gradient_each(const double* g, const double* x, const double* weight, Gradient<double> by, double* dst,
                   std::int64_t count, bool) {
  for (std::int64_t i = 0; i < count; ++i)
    dst[i] = g[i] * weight_at(weight, i) * by.scale - by.shift - (x[i] - by.mean) * by.slope;
}

void column_moments(const double* x, Size size, double* mean, double* squares) {
  for (std::int64_t j = 0; j < size.columns; ++j) mean[j] = squares[j] = 0;
  for (std::int64_t i = 0; i < size.rows; ++i) {
    for (std::int64_t j = 0; j < size.columns; ++j) mean[j] += x[i * size.columns + j];
  }
  for (std::int64_t j = 0; j < size.columns; ++j) mean[j] /= static_cast<double>(size.rows);
  for (std::int64_t i = 0; i < size.rows; ++i) {
    for (std::int64_t j = 0; j < size.columns; ++j) {
      const double distance = x[i * size.columns + j] - mean[j];
      squares[j] += distance * distance;
    }
  }
}

void column_sums(const double* g, const double* x, const double* y, const double* mean, Size size, double* sum_g,
                 double* sum_gx) {
  for (std::int64_t j = 0; j < size.columns; ++j) sum_g[j] = sum_gx[j] = 0;
  for (std::int64_t i = 0; i < size.rows; ++i) {
    for (std::int64_t j = 0; j < size.columns; ++j) {
      const std::int64_t at = i * size.columns + j;
      sum_g[j] += passed(g, y, at);
      sum_gx[j] += passed(g, y, at) * (x[at] - mean[j]);
    }
  }
}

void normalize_columns(const double* x, const double* mean, const double* scale, const double* shift, bool relu,
                       double* dst, Size size) {
  for (std::int64_t i = 0; i < size.rows; ++i) {
    for (std::int64_t j = 0; j < size.columns; ++j) {
      const std::int64_t at = i * size.columns + j;
      dst[at] = above_zero((x[at] - mean[j]) * scale[j] + shift[j], relu);
    }
  }
}

void gradient_columns(const double* g, const double* x, const double* y, const double* mean, const double* scale,
                      const double* shift, const double* slope, double* dst, Size size) {
  for (std::int64_t i = 0; i < size.rows; ++i) {
    for (std::int64_t j = 0; j < size.columns; ++j) {
      const std::int64_t at = i * size.columns + j;
      const double rest = slope == nullptr ? 0 : shift[j] + (x[at] - mean[j]) * slope[j];
      dst[at] = passed(g, y, at) * scale[j] - rest;
    }
  }
}

}  // namespace dagrad::norm_lines
