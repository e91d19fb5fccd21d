// Row kernels of softmax and cross-entropy. Internal.
#pragma once

#include <cstdint>

namespace dagrad::softmax_rows {

/// log(sum(exp(x))) of `count` elements, computed from their maximum; -inf when all are -inf (or there are none).
float log_sum_exp(const float* x, std::int64_t count);
double log_sum_exp(const double* x, std::int64_t count);

/// dst = x - shift.
void subtract(const float* x, float shift, float* dst, std::int64_t count);
void subtract(const double* x, double shift, double* dst, std::int64_t count);

/// dst = scale exp(x - shift).
void scaled_exp(const float* x, float shift, float scale, float* dst, std::int64_t count);
void scaled_exp(const double* x, double shift, double scale, double* dst, std::int64_t count);

}  // namespace dagrad::softmax_rows
