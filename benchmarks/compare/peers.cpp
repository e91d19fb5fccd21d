#include "compare/peers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <sstream>
#include <sys/wait.h>

#include "dagrad/core/error.h"

namespace dagrad::compare {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

}  // namespace

std::vector<PeerFigure> parse_peer_output(const std::string& text) {
  std::vector<PeerFigure> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    PeerFigure figure;
    double microseconds = 0;
    if (std::getline(fields, figure.workload, '\t') && fields >> figure.threads >> figure.peer >> microseconds &&
        microseconds > 0) {
      figure.seconds = microseconds * 1e-6;
      result.push_back(figure);
    }
  }
  return result;
}

std::vector<PeerFigure> run_peer(const std::string& command, int threads, const std::string& filter) {
  const std::string line = replaced(replaced(command, "{threads}", std::to_string(threads)), "{filter}",
                                    filter.empty() ? std::string() : quoted(filter));
  std::FILE* const pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw IoError(fmt::format("compare: cannot run a shell for the peer: {}", line));
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), n);
  const int status = pclose(pipe);
  if (status != 0) {
    throw IoError(fmt::format("compare: the peer ended with status {} (want 0): {}",
                              WIFEXITED(status) ? WEXITSTATUS(status) : status, line));
  }
  return parse_peer_output(text);
}

std::vector<std::string> peers_in(const std::string& folder) {
  std::vector<std::string> result;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("peer_") && entry.is_regular_file(ignored))
      result.push_back(quoted(entry.path().string()) + " {threads} {filter}");
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace dagrad::compare
