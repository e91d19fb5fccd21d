// Rows of bf16 to f32 and back. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad {

/// dst = src, element by element; as casts of single elements do it.
void widen(const BFloat16* src, float* dst, std::int64_t count);
/// Rounded to the nearest, of two as near to the even one.
void narrow(const float* src, BFloat16* dst, std::int64_t count);

}  // namespace dagrad
