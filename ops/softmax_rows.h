// Row kernels of softmax and cross-entropy. Internal.
#pragma once

#include <cstdint>

namespace dagrad::softmax_rows {

/// log(sum(exp(x))) = top + log, in two parts: their sum would lose the digits of `log` where `top` is large.
template <class T>
struct LogSum {
  T top;  // the largest element
  T log;  // log(sum(exp(x - top)))
};

/// Of `count` elements; top is -inf and log is 0 when all are -inf (or there are none), top is NaN when an element is.
LogSum<float> log_sum_exp(const float* x, std::int64_t count);
LogSum<double> log_sum_exp(const double* x, std::int64_t count);

/// dst = x - log(sum(exp)), given that.
void subtract(const float* x, LogSum<float> sum, float* dst, std::int64_t count);
void subtract(const double* x, LogSum<double> sum, double* dst, std::int64_t count);

/// dst = scale exp(x - log(sum(exp))).
void scaled_exp(const float* x, LogSum<float> sum, float scale, float* dst, std::int64_t count);
void scaled_exp(const double* x, LogSum<double> sum, double scale, double* dst, std::int64_t count);

}  // namespace dagrad::softmax_rows
