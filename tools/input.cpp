#include "tools/input.h"

#include <fmt/format.h>
#include <system_error>

#include "dagrad/core/error.h"

namespace dagrad::tools {

namespace fs = std::filesystem;

void check_exists(const fs::path& path, std::string_view want) {
  std::error_code error;
  if (fs::exists(path, error)) return;
  // Without an error there is no such file; with one it cannot be told.
  if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
  throw IoError(fmt::format("{}: cannot be opened: {} (want {})", path.string(), error.message(), want));
}

void check_is_file(const fs::path& path, std::string_view want) {
  check_exists(path, want);
  if (fs::is_directory(path)) throw IoError(fmt::format("{}: is a folder (want {})", path.string(), want));
}

}  // namespace dagrad::tools
