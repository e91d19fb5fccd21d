#include "tools/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dagrad/core/error.h"

namespace dagrad::tools {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& where) {
  throw IoError(fmt::format("{}: cannot be written: {}", where, std::strerror(errno)));
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail("standard output");
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail("standard output");
}

void check_writable(const fs::path& file) {
  if (fs::is_directory(file)) throw IoError(fmt::format("{}: is a folder (want a file)", file.string()));
  if (!fs::is_directory(folder_of(file))) throw IoError(fmt::format("{}: its folder does not exist", file.string()));
  if (access(folder_of(file).c_str(), W_OK) != 0) fail(file.string());
}

void write_whole_file(const fs::path& file, std::string_view text) {
  std::string temporary = (folder_of(file) / (file.filename().string() + ".XXXXXX")).string();
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) fail(file.string());
  const auto give_up = [&] {
    const int cause = errno;
    close(descriptor);
    unlink(temporary.c_str());
    errno = cause;
    fail(file.string());
  };
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = write(descriptor, text.data() + done, text.size() - done);
    if (written < 0) give_up();
    done += static_cast<std::size_t>(written);
  }
  if (fchmod(descriptor, 0644) != 0 || fsync(descriptor) != 0) give_up();
  if (std::rename(temporary.c_str(), file.c_str()) != 0) give_up();
  close(descriptor);
}

}  // namespace dagrad::tools
