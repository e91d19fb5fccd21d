// A file that is read at any place, and streams out of it. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace dagrad::io {

/// A regular file, open for reading. Its size is taken once, so that sizes that it claims can be held against it.
class InputFile {
 public:
  /// Throws IoError when it cannot be opened or is no regular file.
  explicit InputFile(const std::filesystem::path& file);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }
  /// Fills `into` with the bytes from `offset` on. Throws IoError when the file has not that many.
  void read_at(std::uint64_t offset, std::span<std::byte> into) const;
  /// Throws IoError: the file's name and `what`.
  [[noreturn]] void fail(std::string_view what) const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Bytes one after the other, of a known number.
class ByteStream {
 public:
  explicit ByteStream(std::uint64_t length) : remaining_(length) {}
  virtual ~ByteStream() = default;

  /// How many bytes are still to come: really there, not merely claimed.
  std::uint64_t remaining() const { return remaining_; }
  /// Fills `into`. Throws IoError when fewer remain.
  void read(std::span<std::byte> into);
  /// Throws IoError: where the bytes come from and `what`.
  [[noreturn]] void fail(std::string_view what) const;

 protected:
  virtual void read_next(std::span<std::byte> into) = 0;
  /// Where the bytes come from, as a message begins.
  virtual std::string origin() const = 0;

 private:
  std::uint64_t remaining_;
};

/// `length` bytes of a file from `offset` on, which are inside it.
class FileSection final : public ByteStream {
 public:
  FileSection(const InputFile& file, std::uint64_t offset, std::uint64_t length)
      : ByteStream(length), file_(file), offset_(offset) {}

 private:
  std::string origin() const override { return file_.name() + ":"; }
  void read_next(std::span<std::byte> into) override {
    file_.read_at(offset_, into);
    offset_ += into.size();
  }
  const InputFile& file_;
  std::uint64_t offset_;
};

}  // namespace dagrad::io
