// The .npy format inside of a file or of an archive. Internal.
#pragma once

#include <string>

#include "dagrad/core/tensor.h"
#include "dagrad/nn/io/input_file.h"

namespace dagrad::io {

/// The array that is the whole of the stream.
Tensor read_npy(ByteStream& stream);

/// All that comes before the elements, which follow in row-major order. Throws DTypeError naming `function` for bf16.
std::string npy_header(const char* function, const Tensor& t);

}  // namespace dagrad::io
