// The element types of files, which are more than a tensor's, and reading them. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"
#include "dagrad/nn/io/input_file.h"

namespace dagrad::io {

/// How a file stores a number.
struct ElementType {
  enum class Kind : std::uint8_t { boolean, natural, integer, floating, brain };
  Kind kind;
  std::size_t size;  ///< bytes
  bool big_endian = false;
};

/// The type that a tensor gets for it: its own where there is one, else the next that holds every value (f16 becomes
/// f32; integers of other sizes become i64).
DType tensor_type(const ElementType& type);

/// The elements in row-major order, as many as `shape` has. Memory is taken only after the stream has been seen to hold
/// them. Booleans become 0 or 1. Throws IoError when the stream is too short, when `shape` has more elements than can
/// be, and for a 64-bit natural number above 2^63 - 1.
Tensor read_elements(ByteStream& stream, const ElementType& type, const Shape& shape);

/// The bytes that `shape` takes in a file. Throws IoError through `stream` when they are more than can be.
std::uint64_t checked_bytes(const ByteStream& stream, const ElementType& type, const Shape& shape);

}  // namespace dagrad::io
