#include "dagrad/nn/io/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dagrad/core/error.h"

namespace dagrad::io {

InputFile::InputFile(const std::filesystem::path& file) : name_(file.string()) {
  // Not blocking: a named pipe is refused below instead of being waited for.
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    fail(S_ISDIR(status.st_mode) ? "is a folder (want a file)" : "is not a regular file");
  }
  descriptor_ = descriptor;
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t got = pread(descriptor_, into.data() + done, std::min(into.size() - done, kLargestRead),
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) fail(fmt::format("ends at byte {} (want {} bytes from {} on)", offset + done, into.size(), offset));
    done += static_cast<std::size_t>(got);
  }
}

void InputFile::fail(std::string_view what) const { throw IoError(fmt::format("{}: {}", name_, what)); }

void ByteStream::fail(std::string_view what) const { throw IoError(fmt::format("{} {}", origin(), what)); }

void ByteStream::read(std::span<std::byte> into) {
  if (into.size() > remaining_) fail(fmt::format("truncated: {} bytes remain (want {})", remaining_, into.size()));
  read_next(into);
  remaining_ -= into.size();
}

}  // namespace dagrad::io
