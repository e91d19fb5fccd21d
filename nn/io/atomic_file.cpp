#include "dagrad/nn/io/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dagrad/core/error.h"

namespace dagrad::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// `.NAME.xxxxxxxx.part`, eight digits in hexadecimal.
std::string temporary_name(const fs::path& file, unsigned chance) {
  return (folder_of(file) / fmt::format(".{}.{:08x}.part", file.filename().string(), chance)).string();
}

bool is_temporary_of(const fs::path& file, const std::string& name) {
  const std::string before = fmt::format(".{}.", file.filename().string()), after = ".part";
  if (name.size() != before.size() + 8 + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return false;
  return name.find_first_not_of("0123456789abcdef", before.size()) == name.size() - after.size();
}

/// Whether `name` still is the file that `descriptor` has open.
bool is_open_as(int descriptor, const std::string& name) {
  struct stat open_file {
  }, named{};
  return fstat(descriptor, &open_file) == 0 && lstat(name.c_str(), &named) == 0 && open_file.st_dev == named.st_dev &&
         open_file.st_ino == named.st_ino;
}

/// Removes what writers of `file` left behind that were killed. A writer holds a lock on its file, which the system
/// takes back from a process that ends in whatever way; without a lock nobody writes there any more.
void remove_left_behind(const fs::path& file) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(file), error)) {
    if (!is_temporary_of(file, entry.path().filename().string())) continue;
    const std::string name = entry.path().string();
    const int descriptor = open(name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    struct stat status {};
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
        is_open_as(descriptor, name))
      unlink(name.c_str());
    close(descriptor);
  }
}

/// A name is found by chance, not by mkstemp, whose files nobody else may read whatever the umask says.
int open_new(const fs::path& file, std::string& name) {
  std::random_device chance;
  for (int attempt = 0; attempt < 100; ++attempt) {
    name = temporary_name(file, chance());
    const int descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) return descriptor;
    // Where there are no locks there is nobody either who could take this file for one that was left behind.
    const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if ((locked || errno != EWOULDBLOCK) && is_open_as(descriptor, name)) return descriptor;
    close(descriptor);  // before the lock was there, somebody else removed the file
  }
  return -1;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& file) : file_(file) {
  std::error_code error;
  if (fs::is_directory(file, error)) throw IoError(fmt::format("{}: is a folder (want a file)", file.string()));
  if (fs::is_symlink(file, error)) file_ = fs::canonical(file, error);
  if (file_.empty()) throw IoError(fmt::format("{}: is a symbolic link to nothing", file.string()));
  if (!fs::is_directory(folder_of(file_), error))
    throw IoError(fmt::format("{}: its folder does not exist", file.string()));
  if (fs::exists(file_, error) && !fs::is_regular_file(file_, error))
    throw IoError(fmt::format("{}: is no regular file (want one that may be replaced)", file.string()));
  remove_left_behind(file_);
  descriptor_ = open_new(file_, temporary_);
  if (descriptor_ < 0) fail();
  struct stat before {};
  if (stat(file_.c_str(), &before) == 0) static_cast<void>(fchmod(descriptor_, before.st_mode & 07777));
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::fail() const {
  throw IoError(fmt::format("{}: cannot be written: {}", file_.string(), std::strerror(errno)));
}

void AtomicFile::write_out(std::span<const std::byte> bytes, std::uint64_t offset) const {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written =
        pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    done += static_cast<std::size_t>(written);
  }
}

void AtomicFile::flush() {
  write_out(buffer_, flushed_);
  flushed_ += buffer_.size();
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() > kBufferBytes) {
    write_out(bytes, flushed_);
    flushed_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  if (offset > flushed_ || bytes.size() > flushed_ - offset) {
    throw UsageError(fmt::format("AtomicFile: bytes {} to {} are to be overwritten (want at most the {} written)",
                                 offset, offset + bytes.size(), flushed_));
  }
  write_out(bytes, offset);
}

void AtomicFile::commit() {
  if (descriptor_ < 0) throw UsageError("AtomicFile: committed twice");
  flush();
  if (fsync(descriptor_) != 0 || std::rename(temporary_.c_str(), file_.c_str()) != 0) fail();
  close(descriptor_);
  descriptor_ = -1;
  // The new name reaches the disk with the folder; file systems that cannot do that are no reason to fail now.
  const int folder = open(folder_of(file_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    static_cast<void>(fsync(folder));
    close(folder);
  }
}

void write_file(const fs::path& file, std::string_view text) {
  AtomicFile out(file);
  out.write(text);
  out.commit();
}

}  // namespace dagrad::io
