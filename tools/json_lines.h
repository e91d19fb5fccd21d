// One JSON object a line.
#pragma once

#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dagrad::tools {

/// Writes objects, each whole and at once: to a file, to standard output ("-"), or nowhere ("").
class JsonLines {
 public:
  /// Throws IoError when the file cannot be written.
  explicit JsonLines(const std::string& target);
  bool on_stdout() const { return target_ == "-"; }
  /// Throws IoError.
  void write(const nlohmann::ordered_json& object);

 private:
  std::string target_;
  std::ofstream file_;
};

}  // namespace dagrad::tools
