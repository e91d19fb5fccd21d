#include "tools/graph/render.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dagrad/core/error.h"

extern char** environ;

namespace dagrad::tools {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

/// A file without a name, which is gone when it is closed.
File scratch_file() {
  File file(std::tmpfile());
  if (!file) throw IoError(fmt::format("a temporary file cannot be made: {}", std::strerror(errno)));
  return file;
}

std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char buffer[65536];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, got);
  return text;
}

}  // namespace

std::optional<std::string> svg_of_dot(const std::string& text) {
  const File in = scratch_file(), out = scratch_file(), complaints = scratch_file();
  if (std::fwrite(text.data(), 1, text.size(), in.get()) != text.size() || std::fflush(in.get()) != 0)
    throw IoError(fmt::format("a temporary file cannot be written: {}", std::strerror(errno)));
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(complaints.get()), STDERR_FILENO);
  char program[] = "dot", option[] = "-Tsvg";
  char* const arguments[] = {program, option, nullptr};
  pid_t child = 0;
  const int failure = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT || failure == EACCES) return std::nullopt;
  if (failure != 0) throw Error(fmt::format("dot: cannot be run: {}", std::strerror(failure)));

  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::string svg = content(out.get());
  const std::size_t start = svg.find("<svg");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || start == std::string::npos) {
    std::string said = content(complaints.get());
    said.erase(said.find_last_not_of('\n') + 1);
    throw Error(fmt::format("dot: failed: {}", said.empty() ? "it said nothing" : said));
  }
  return svg.substr(start);
}

}  // namespace dagrad::tools
