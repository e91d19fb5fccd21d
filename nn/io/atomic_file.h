// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dagrad::io {

/// Writes a file under a temporary name in its own folder; commit() gives it its name in one step, after all bytes
/// have reached the disk. Whoever reads `file` meanwhile, or after a crash, finds the old content or the new, never a
/// part. Without commit() nothing is left behind; what a process leaves that was killed (`.NAME.xxxxxxxx.part`) goes
/// when the same file is written next. What the file was before (its permissions, a symbolic link to it) it stays.
class AtomicFile {
 public:
  /// Throws IoError when the folder does not exist or may not be written to, and for a device or a pipe.
  explicit AtomicFile(const std::filesystem::path& file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws IoError (a full disk, say).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// How many bytes were appended.
  std::uint64_t position() const { return flushed_ + buffer_.size(); }
  /// Replaces bytes that were appended before.
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Makes the file appear. Throws IoError, and then the old one is untouched. Once.
  void commit();

 private:
  [[noreturn]] void fail() const;
  void flush();
  void write_out(std::span<const std::byte> bytes, std::uint64_t offset) const;

  std::filesystem::path file_;
  std::string temporary_;
  int descriptor_ = -1;
  std::uint64_t flushed_ = 0;
  std::vector<std::byte> buffer_;
};

/// `text` as the whole content of `file`, atomically.
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace dagrad::io
