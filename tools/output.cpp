#include "tools/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/io/atomic_file.h"
#include "tools/interrupt.h"

namespace dagrad::tools {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& where) {
  throw IoError(fmt::format("{}: cannot be written: {}", where, std::strerror(errno)));
}

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// A device or a pipe, which must not be replaced by a file.
bool is_special(const fs::path& file) { return fs::exists(file) && !fs::is_regular_file(file); }

/// The same for every way to name a file, also one that is not there yet.
fs::path place_of(const fs::path& file) { return fs::weakly_canonical(fs::absolute(file)); }

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
  if (access((is_special(file) ? file : folder_of(file)).c_str(), W_OK) != 0) fail(file.string());
}

void check_apart(const std::vector<NamedFile>& files) {
  const auto is_file = [](const NamedFile& named) {
    return !named.file.empty() && named.file != "-" && !is_special(named.file);
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t k = 0; k < i && is_file(files[i]); ++k) {
      if (!is_file(files[k]) || !(files[i].is_written || files[k].is_written)) continue;
      if (place_of(files[i].file) != place_of(files[k].file)) continue;
      throw UsageError(fmt::format("--{} and --{}: both are '{}' (want different files)", files[k].option,
                                   files[i].option, files[i].file));
    }
  }
}

void write_whole_file(const fs::path& file, std::string_view text) {
  const Uninterrupted until_it_is_there;
  if (!is_special(file)) return io::write_file(file, text);
  std::FILE* const stream = std::fopen(file.c_str(), "w");
  if (stream == nullptr) fail(file.string());
  const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
  const int cause = errno;
  std::fclose(stream);
  errno = cause;
  if (!written) fail(file.string());
}

void check_output(const std::string& target) {
  if (!target.empty() && target != "-") check_writable(target);
}

void write_output(const std::string& target, std::string_view text) {
  if (target == "-")
    print(text);
  else if (!target.empty())
    write_whole_file(target, text);
}

}  // namespace dagrad::tools
