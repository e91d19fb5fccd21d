// safetensors: the file format of Hugging Face for named tensors.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "dagrad/nn/io/named_tensors.h"

namespace dagrad::io {

/// What a file holds besides tensors: texts under names.
using Metadata = std::map<std::string, std::string>;

struct Safetensors {
  NamedTensors tensors;
  Metadata metadata;
};

/// The tensors of a safetensors file, in the order of its header. Types that dagrad lacks become the next one that
/// holds every value: F16 becomes f32; I8, I16, I32, U16, U32 and U64 become i64. Throws IoError naming the file and
/// what is wrong, before any tensor is made: a header that is longer than 100 MB or than the file, or is not what the
/// format says (JSON, each name once, known types); offsets that overlap, leave gaps, or do not cover the file to its
/// last byte; sizes whose product overflows or differs from the bytes given.
Safetensors load_safetensors(const std::filesystem::path& file);

/// Writes the tensors atomically (see AtomicFile), aligned to their element's size, in the order of element size and
/// name as the reference implementation has it: equal tensors give equal files. Throws UsageError for a name that
/// comes twice, is not UTF-8 or is "__metadata__"; IoError.
void save_safetensors(const NamedTensors& tensors, const std::filesystem::path& file, const Metadata& metadata = {});

}  // namespace dagrad::io
