// Reading ZIP archives, as far as .npz files use them. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/nn/io/input_file.h"

namespace dagrad::io {

struct ZipMember {
  std::string name;
  bool deflated = false;
  std::uint32_t checksum = 0;
  std::uint64_t packed = 0;    ///< bytes in the file
  std::uint64_t unpacked = 0;  ///< bytes of the content
  std::uint64_t offset = 0;    ///< of the first packed byte
};

/// The members that the central directory names, with 64-bit sizes where they are needed. Fails through `file` unless
/// every member lies in the file apart from the others, is stored or deflated, and has a name of its own.
std::vector<ZipMember> read_zip_directory(const InputFile& file);

/// The content of a member. It has been gone through once: its length and checksum are right.
std::unique_ptr<ByteStream> open_zip_member(const InputFile& file, const ZipMember& member);

}  // namespace dagrad::io
