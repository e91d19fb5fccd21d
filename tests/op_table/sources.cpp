#include "op_table/sources.h"

#include <algorithm>
#include <fstream>
#include <regex>

namespace dagrad::op_table {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

/// The text of a comment line that starts with `slashes`.
bool is_comment(const std::string& line, std::string_view slashes) {
  const std::string text = trimmed(line);
  return text.starts_with(slashes) && (text.size() == slashes.size() || text[slashes.size()] == ' ');
}
void append(std::string& text, const std::string& line, std::string_view slashes = "") {
  const std::string more = trimmed(trimmed(line).substr(slashes.size()));
  text += (text.empty() ? "" : " ") + more;
}

/// The lines from `i` on as one, up to the first that ends with one of `ends`; `i` is left on that.
std::string joined(const Lines& lines, std::size_t& i, std::string_view ends) {
  std::string text;
  for (;; ++i) {
    append(text, lines[i]);
    if (i + 1 == lines.size() || (!text.empty() && ends.find(text.back()) != std::string_view::npos)) return text;
  }
}

std::string without_location(const std::string& declaration) {
  static const std::regex location(R"((, )?Location \w+ = Location::current\(\))");
  return std::regex_replace(declaration, location, "");
}

}  // namespace

Sources::Sources(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> paths;
  for (const char* folder : {"core", "ops"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::filesystem::path& path : paths) {
    if (path.extension() != ".h" && path.extension() != ".cpp") continue;
    const Lines lines = lines_of(path);
    const std::string file = path.parent_path().filename() / path.stem();
    if (path.extension() == ".h") read_header(file, lines);
    read_definitions(file, lines);
  }
}

void Sources::read_header(const std::string& file, const Lines& lines) {
  std::string opening;
  for (std::size_t i = 0; i < lines.size() && is_comment(lines[i], "//"); ++i) append(opening, lines[i], "//");
  titles_[file] = opening.substr(0, opening.find(" Internal."));
  if (lines.empty() || lines[0].ends_with("Internal.")) return;
  static const std::regex declaration(R"(^(Tensor|std::[a-z]+<.*>) (\w+)\(.*)");
  std::string doc;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (is_comment(lines[i], "///")) {
      if (i == 0 || !is_comment(lines[i - 1], "///")) doc.clear();
      append(doc, lines[i], "///");
    } else if (std::regex_match(lines[i], match, declaration)) {
      const std::string name = match[2];
      functions_.emplace(name, Function{without_location(joined(lines, i, ";")), doc, file});
    } else {
      doc.clear();
    }
  }
}

void Sources::read_definitions(const std::string& file, const Lines& lines) {
  static const std::regex head(R"(struct (\w+)( final)?( : (.*))? \{.*)"), name(R"x(.* name = "(\w+)".*)x"),
      outside(R"((inline )?void (\w+)(<.*>)?::backward\(.*)");
  std::string current, comment;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (is_comment(lines[i], "//")) {
      append(comment, lines[i], "//");
      continue;
    }
    if (lines[i].starts_with("template")) continue;
    const std::string line = lines[i].starts_with("struct ") ? joined(lines, i, "{};") : lines[i];
    if (std::regex_match(line, match, head)) {
      current = match[1];
      structs_[current] = {file, match[4], ""};
    } else if (line.starts_with("};")) {
      current.clear();
    } else if (std::regex_match(line, match, name) && !current.empty()) {
      struct_of_[match[1]] = current;
    } else if (line.starts_with("  void backward(") && !current.empty() && !comment.empty()) {
      structs_[current].comment = comment;
    } else if (std::regex_match(line, match, outside) && !comment.empty()) {
      structs_[match[2]].comment = comment;
    }
    comment.clear();
  }
}

std::vector<Sources::Function> Sources::functions(const std::string& name) const {
  std::vector<Function> result;
  const auto [first, last] = functions_.equal_range(name);
  for (auto it = first; it != last; ++it) result.push_back(it->second);
  return result;
}

std::string Sources::gradient(const std::string& op) const {
  const auto found = struct_of_.find(op);
  if (found == struct_of_.end()) return {};
  const Definition* definition = &structs_.at(found->second);
  for (int depth = 0; depth < 4 && definition->comment.empty(); ++depth) {
    const std::string base = definition->bases.substr(0, definition->bases.find_first_of("<,"));
    const auto next = structs_.find(base.substr(base.rfind(':') == std::string::npos ? 0 : base.rfind(':') + 1));
    if (next == structs_.end()) return {};
    definition = &next->second;
  }
  return definition->comment;
}

std::string Sources::file(const std::string& op) const {
  const auto found = struct_of_.find(op);
  return found == struct_of_.end() ? "" : structs_.at(found->second).file;
}

std::string Sources::title(const std::string& file) const {
  const auto found = titles_.find(file);
  return found == titles_.end() ? "" : found->second;
}

}  // namespace dagrad::op_table
