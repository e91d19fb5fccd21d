// Files that are to be read.
#pragma once

#include <filesystem>
#include <string_view>

namespace dagrad::tools {

/// Throws IoError `FILE: cannot be opened: No such file or directory (want WANT)` unless `path` is there.
void check_exists(const std::filesystem::path& path, std::string_view want);
/// The same, and unless it is a file.
void check_is_file(const std::filesystem::path& path, std::string_view want);

}  // namespace dagrad::tools
