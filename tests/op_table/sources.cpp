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
  static const std::regex declaration(R"(^([A-Z]\w*|std::[a-z]+<.*>) (\w+)\(.*)"),
      type(R"((struct|enum class) \w+ .*\{.*)");
  std::string doc;
  Lines comment;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (is_comment(lines[i], "///")) {
      if (i == 0 || !is_comment(lines[i - 1], "///")) {
        doc.clear();
        comment.clear();
      }
      append(doc, lines[i], "///");
      comment.push_back(lines[i]);
    } else if (std::regex_match(lines[i], match, declaration)) {
      const std::string name = match[2];
      functions_.emplace(name, Function{without_location(joined(lines, i, ";")), doc, file});
    } else {
      if (std::regex_match(lines[i], type)) {
        for (const std::string& line : comment) types_[file] += line + "\n";
        for (; !lines[i].ends_with("};") && i + 1 < lines.size(); ++i) types_[file] += lines[i] + "\n";
        types_[file] += lines[i] + "\n\n";
      }
      doc.clear();
      comment.clear();
    }
  }
}

void Sources::read_definitions(const std::string& file, const Lines& lines) {
  static const std::regex head(R"((struct|class) (\w+)( final)?( : (.*))? \{.*)"), name(R"x(.* name = ([^,;]*).*)x"),
      quoted(R"x("(\w+)")x"), row(R"x(constexpr Row (\w+)\{"(\w+)".*)x"),
      outside(R"((inline )?void (\w+)(<.*>)?::backward\(.*)");
  const std::size_t first = structs_.size();
  bool inside = false;
  std::string comment;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (is_comment(lines[i], "//")) {
      append(comment, lines[i], "//");
      continue;
    }
    if (lines[i].starts_with("template")) continue;
    if (std::regex_match(lines[i], match, row)) {
      struct_of_[match[2]] = structs_.size();
      structs_.push_back({.name = match[1], .file = file, .comment = comment});
      comment.clear();
      continue;
    }
    const std::string line = lines[i].starts_with("struct ") ? joined(lines, i, "{};") : lines[i];
    if (std::regex_match(line, match, head)) {
      structs_.push_back({.name = match[2], .file = file, .bases = match[5]});
      inside = !line.ends_with("};");
    } else if (line.starts_with("};")) {
      inside = false;
    } else if (inside && std::regex_match(line, match, name)) {
      const std::string names = match[1];
      for (std::sregex_iterator it(names.begin(), names.end(), quoted), end; it != end; ++it)
        struct_of_[(*it)[1]] = structs_.size() - 1;
    } else if (inside && !comment.empty() && line.starts_with("  void backward(")) {
      structs_.back().comment = comment;
    } else if (!comment.empty() && std::regex_match(line, match, outside)) {
      for (std::size_t s = first; s < structs_.size(); ++s) {
        if (structs_[s].name == match[2]) structs_[s].comment = comment;
      }
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

const Sources::Definition* Sources::find(const std::string& name, const std::string& file) const {
  const Definition* found = nullptr;
  for (const Definition& definition : structs_) {
    if (definition.name == name && (found == nullptr || definition.file == file)) found = &definition;
  }
  return found;
}

std::string Sources::gradient(const std::string& op) const {
  const auto found = struct_of_.find(op);
  if (found == struct_of_.end()) return {};
  const Definition* definition = &structs_[found->second];
  for (int depth = 0; depth < 4 && definition != nullptr; ++depth) {
    if (!definition->comment.empty()) return definition->comment;
    static const std::regex base(R"((public )?(\w+::)*(\w+).*)");
    std::smatch match;
    if (!std::regex_match(definition->bases, match, base)) break;
    definition = find(match[3], definition->file);
  }
  return {};
}

std::string Sources::file(const std::string& op) const {
  const auto found = struct_of_.find(op);
  return found == struct_of_.end() ? "" : structs_[found->second].file;
}

std::string Sources::declared_types(const std::string& file) const {
  const auto found = types_.find(file);
  return found == types_.end() ? "" : found->second;
}

std::string Sources::title(const std::string& file) const {
  const auto found = titles_.find(file);
  return found == titles_.end() ? "" : found->second;
}

}  // namespace dagrad::op_table
