#include "dagrad/nn/training/stop_on_signal.h"

#include <array>
#include <atomic>
#include <csignal>

#include "dagrad/core/error.h"

namespace dagrad::nn {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};

// Read by the handler, which may run at any time and in any thread.
std::atomic<Trainer*> to_stop = nullptr;
static_assert(std::atomic<Trainer*>::is_always_lock_free);
std::array<struct sigaction, kSignals.size()> before;

void stop(int signal) {
  Trainer* const trainer = to_stop.load();
  if (trainer != nullptr) trainer->request_stop();
  // The next one is not ours any more.
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) sigaction(signal, &before[i], nullptr);
  }
}

}  // namespace

StopOnSignal::StopOnSignal(Trainer& trainer) {
  Trainer* nobody = nullptr;
  if (!to_stop.compare_exchange_strong(nobody, &trainer))
    throw UsageError("StopOnSignal: there is one already (want one at a time)");
  struct sigaction action {};
  action.sa_handler = stop;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &before[i]);
}

StopOnSignal::~StopOnSignal() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before[i], nullptr);
  to_stop = nullptr;
}

}  // namespace dagrad::nn
