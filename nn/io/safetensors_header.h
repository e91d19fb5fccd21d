// The header of a safetensors file: JSON that says where each tensor lies. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/nn/io/element_type.h"
#include "dagrad/nn/io/safetensors.h"

namespace dagrad::io {

struct SafetensorsEntry {
  std::string name;
  ElementType type{};
  Shape shape;
  std::uint64_t begin = 0, end = 0;  ///< of its bytes, counted from the end of the header
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  Metadata metadata;
};

/// Reads the JSON. Fails through `file` on anything that the format does not allow, except for what the offsets are
/// checked for in their sum.
SafetensorsHeader parse_safetensors_header(std::string_view text, const InputFile& file);

/// The JSON, padded with spaces to a multiple of 8 bytes. Throws UsageError for text that is not UTF-8.
std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace dagrad::io
