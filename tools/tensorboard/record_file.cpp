#include "tools/tensorboard/record_file.h"

#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "dagrad/core/error.h"

namespace dagrad::tools {
namespace {

// Castagnoli's polynomial, reflected in and out.
using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

}  // namespace

std::uint32_t masked_checksum(std::string_view bytes) {
  Crc32c crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const auto sum = static_cast<std::uint32_t>(crc.checksum());
  return (sum >> 15 | sum << 17) + 0xa282ead8u;
}

std::string framed(std::string_view content) {
  const std::string length = little_endian(content.size(), 8);
  std::string record = length + little_endian(masked_checksum(length), 4);
  record += content;
  return record + little_endian(masked_checksum(content), 4);
}

RecordFile::RecordFile(const std::filesystem::path& file)
    : path_(file), descriptor_(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw IoError(fmt::format("{}: cannot be made: {}", file.string(), std::strerror(errno)));
}

RecordFile::~RecordFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void RecordFile::append(std::string_view content) {
  const std::string record = framed(content);
  for (std::size_t done = 0; done < record.size();) {
    const ssize_t written = write(descriptor_, record.data() + done, record.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int cause = errno;
      static_cast<void>(ftruncate(descriptor_, end_));  // best effort: the disk is full, say
      throw IoError(fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(cause)));
    }
    done += static_cast<std::size_t>(written);
  }
  end_ += static_cast<std::int64_t>(record.size());
}

}  // namespace dagrad::tools
