#include "tools/json_lines.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "tools/output.h"

namespace dagrad::tools {

JsonLines::JsonLines(const std::string& target) : target_(target) {
  if (target_.empty() || on_stdout()) return;
  check_writable(target_);
  file_.open(target_, std::ios::trunc);
  if (!file_) throw IoError(fmt::format("{}: cannot be written", target_));
}

void JsonLines::write(const nlohmann::ordered_json& object) {
  if (target_.empty()) return;
  const std::string line = object.dump() + "\n";
  if (on_stdout()) {
    print(line);
    flush_output();
  } else if (!(file_ << line << std::flush)) {
    throw IoError(fmt::format("{}: cannot be written", target_));
  }
}

}  // namespace dagrad::tools
