// Kernels of products whose elements are dot products of runs of memory. Internal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::row_dots {

/// `count` runs of memory, from one to the next `step` elements.
template <class T>
struct Runs {
  const T* data;
  std::int64_t count, step;
};

/// dst[i, j] = sum over k of many[i, k] few[j, k] (+ shift), or with `relu` what of it is above 0; steps in elements.
template <class T, class Out>
struct Job {
  std::int64_t inner;
  Runs<T> many;  // read once
  Runs<T> few;   // read from the cache, again and again
  Out* dst;
  std::int64_t dst_many, dst_few;  // from an i, from a j to the next
  const float* shift = nullptr;    // or null
  std::int64_t shift_many = 0, shift_few = 0;
  bool relu = false;  // NaN stays NaN
};

/// On the calling thread. Sums are in f32, and do not depend on where an element lies.
void run(const Job<float, float>& job);
void run(const Job<BFloat16, BFloat16>& job);
void run(const Job<BFloat16, float>& job);

}  // namespace dagrad::row_dots
