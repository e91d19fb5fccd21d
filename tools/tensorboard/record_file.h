// TFRecord files: records one after the other, each with checksums. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace dagrad::tools {

/// CRC-32C of `bytes`, turned by 15 bits and moved by a constant, as TFRecord wants it: a checksum over data that hold
/// checksums would be weak.
std::uint32_t masked_checksum(std::string_view bytes);

/// `content` between its length and the checksums of both.
std::string framed(std::string_view content);

/// Appends records, each in one write: whoever reads the file meanwhile finds whole records, or at most a last one that
/// is not all there yet.
class RecordFile {
 public:
  /// Throws IoError when the file is there already, or cannot be made.
  explicit RecordFile(const std::filesystem::path& file);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  /// Throws IoError, after taking back what had been written of the record.
  void append(std::string_view content);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t end_ = 0;
};

}  // namespace dagrad::tools
