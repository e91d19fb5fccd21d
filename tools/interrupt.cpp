#include "tools/interrupt.h"

#include <csignal>
#include <string_view>
#include <unistd.h>

#include "tools/exit_codes.h"

namespace dagrad::tools {
namespace {

volatile std::sig_atomic_t flag = 0, depth = 0, put_off = 0;

[[noreturn]] void end() {
  constexpr std::string_view kLine = "\ndagrad: interrupted\n";
  static_cast<void>(!write(STDERR_FILENO, kLine.data(), kLine.size()));
  _exit(kInterrupted);
}

void end_or_put_off(int) {
  if (depth == 0) end();
  put_off = 1;
}

void note(int signal) {
  if (flag != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  flag = 1;
}

void handle_by(void (*handler)(int)) {
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
}

}  // namespace

void end_on_interrupt() { handle_by(end_or_put_off); }

Uninterrupted::Uninterrupted() { depth = depth + 1; }
Uninterrupted::~Uninterrupted() {
  depth = depth - 1;
  if (depth == 0 && put_off != 0) end();
}

InterruptGuard::InterruptGuard() {
  flag = 0;
  handle_by(note);
}
InterruptGuard::~InterruptGuard() { end_on_interrupt(); }

bool InterruptGuard::interrupted() const { return flag != 0; }

}  // namespace dagrad::tools
