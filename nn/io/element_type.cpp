#include "dagrad/nn/io/element_type.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <vector>

#include "dagrad/core/error.h"

namespace dagrad::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

using Kind = ElementType::Kind;

/// IEEE 754 binary16 as a float, which holds every one of them.
float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float small = std::ldexp(static_cast<float>(fraction), -24);
  return sign != 0 ? -small : small;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class From>
void widen(const std::byte* from, std::int64_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): numbers, not letters
    to[i] = static_cast<std::int64_t>(load<From>(from + i * sizeof(From)));
  }
}

void swap_bytes(std::span<std::byte> bytes, std::size_t size) {
  for (std::size_t at = 0; at + size <= bytes.size(); at += size)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
}

/// Whether a tensor's elements are stored in the same way.
bool is_native(const ElementType& type) {
  return type.size == item_size(tensor_type(type)) && !(type.kind == Kind::natural && type.size == 8);
}

void convert(const ByteStream& stream, const ElementType& type, const std::byte* from, std::byte* to,
             std::size_t count) {
  if (type.kind == Kind::floating) {
    for (std::size_t i = 0; i < count; ++i) {
      const float value = half_to_float(load<std::uint16_t>(from + 2 * i));
      std::memcpy(to + 4 * i, &value, 4);
    }
    return;
  }
  auto* numbers = reinterpret_cast<std::int64_t*>(to);
  const bool natural = type.kind == Kind::natural;
  switch (type.size) {
    case 1: return widen<std::int8_t>(from, numbers, count);
    case 2: return natural ? widen<std::uint16_t>(from, numbers, count) : widen<std::int16_t>(from, numbers, count);
    case 4: return natural ? widen<std::uint32_t>(from, numbers, count) : widen<std::int32_t>(from, numbers, count);
    default: break;
  }
  widen<std::uint64_t>(from, numbers, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (numbers[i] < 0) {
      stream.fail(fmt::format("holds the number {}, too large for i64 (want at most 2^63 - 1)",
                              load<std::uint64_t>(from + 8 * i)));
    }
  }
}

}  // namespace

DType tensor_type(const ElementType& type) {
  switch (type.kind) {
    case Kind::boolean: return boolean;
    case Kind::brain: return bf16;
    case Kind::floating: return type.size == 8 ? f64 : f32;
    case Kind::natural: return type.size == 1 ? u8 : i64;
    case Kind::integer: break;
  }
  return i64;
}

std::uint64_t checked_bytes(const ByteStream& stream, const ElementType& type, const Shape& shape) {
  try {
    // With the item size of the tensor, which may be larger than the file's.
    const std::int64_t count = checked_numel("read", shape, std::max(type.size, item_size(tensor_type(type))));
    return static_cast<std::uint64_t>(count) * type.size;
  } catch (const ShapeError&) {
    stream.fail(fmt::format("shape {} has more elements than can be", shape.str()));
  }
}

Tensor read_elements(ByteStream& stream, const ElementType& type, const Shape& shape) {
  const std::uint64_t bytes = checked_bytes(stream, type, shape);
  if (bytes > stream.remaining()) {
    stream.fail(
        fmt::format("truncated: {} bytes of elements (want {} for shape {})", stream.remaining(), bytes, shape.str()));
  }
  Tensor result = Tensor::allocate({shape, tensor_type(type)});
  const std::span all(static_cast<std::byte*>(result.mutable_raw_data()), result.bytes());
  if (is_native(type)) {
    stream.read(all);
    if (type.big_endian) swap_bytes(all, type.size);
    if (type.kind == Kind::boolean) {
      for (std::byte& b : all) b = std::byte{b != std::byte{0}};
    }
    return result;
  }
  constexpr std::size_t kChunk = 8192;  // elements; any number that keeps the buffer in the cache
  std::vector<std::byte> buffer(std::min<std::size_t>(kChunk * type.size, bytes));
  const std::size_t item = item_size(result.dtype());
  for (std::size_t done = 0, count = static_cast<std::size_t>(result.numel()); done < count;) {
    const std::size_t now = std::min(kChunk, count - done);
    const std::span raw = std::span(buffer).first(now * type.size);
    stream.read(raw);
    if (type.big_endian) swap_bytes(raw, type.size);
    convert(stream, type, raw.data(), all.data() + done * item, now);
    done += now;
  }
  return result;
}

}  // namespace dagrad::io
