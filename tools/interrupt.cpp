#include "tools/interrupt.h"

#include <csignal>

namespace dagrad::tools {
namespace {

volatile std::sig_atomic_t flag = 0;

void note(int signal) {
  if (flag != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  flag = 1;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  flag = 0;
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool InterruptGuard::interrupted() const { return flag != 0; }

}  // namespace dagrad::tools
