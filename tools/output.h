// Writing: to standard output, and whole files or none.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dagrad::tools {

/// Writes to standard output. Throws IoError when it cannot (a closed pipe, a full disk).
void print(std::string_view text);
/// Throws IoError when what was printed could not be written.
void flush_output();

/// Throws IoError unless `file` can be written: its folder is there and lets itself be written to, and it is no folder
/// itself.
void check_writable(const std::filesystem::path& file);

/// Puts `text` into `file`, whole or not at all (see io::AtomicFile); a device or a pipe is written to as it is. Ctrl-C
/// waits for it. Throws IoError.
void write_whole_file(const std::filesystem::path& file, std::string_view text);

/// An option and the file that it names.
struct NamedFile {
  const char* option;
  std::string file;  ///< "" and "-" are none
  bool is_written;
};
/// Throws UsageError when an option names as its output what another one names, and would overwrite it.
void check_apart(const std::vector<NamedFile>& files);

/// For what an option names: a file, "-" for standard output, or nothing. Throws as check_writable does.
void check_output(const std::string& target);
/// Puts `text` where such an option says.
void write_output(const std::string& target, std::string_view text);

}  // namespace dagrad::tools
