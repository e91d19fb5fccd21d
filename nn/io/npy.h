// .npy: NumPy's file format for one array.
#pragma once

#include <filesystem>

#include "dagrad/core/tensor.h"

namespace dagrad::io {

/// The array in an .npy file (format 1.0 to 3.0), either order of axes and of bytes. Types that dagrad lacks become the
/// next one that holds every value: float16 becomes f32; integers other than uint8 become i64. Throws IoError naming
/// the file and what is wrong: another type (complex numbers, texts, objects, records), more than 8 dimensions, a
/// damaged header, a size that differs from what the header promises. Memory is taken only for what the file holds.
Tensor load_npy(const std::filesystem::path& file);

/// Writes an .npy file atomically (see AtomicFile). NumPy has no bfloat16: throws DTypeError for bf16, and IoError.
void save_npy(const Tensor& t, const std::filesystem::path& file);

}  // namespace dagrad::io
