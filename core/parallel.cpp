#include "dagrad/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fmt/format.h>
#include <omp.h>

#include "dagrad/core/error.h"
#include "dagrad/core/rehearsal.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace dagrad {
namespace {

// The thread sanitizer does not see how libgomp's barriers order the threads of a region, so it is told.
void publish([[maybe_unused]] void* tag) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(tag);
#endif
}
void observe([[maybe_unused]] void* tag) {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(tag);
#endif
}

std::atomic<bool> deterministic_mode{false};

}  // namespace

// OpenMP's own setting is the one that oneDNN reads, and it belongs to the calling thread.
int num_threads() { return omp_get_max_threads(); }

void set_num_threads(int threads) {
  if (threads < 1) throw UsageError(fmt::format("set_num_threads: got {} (want at least 1)", threads));
  omp_set_num_threads(threads);
}

bool deterministic() { return deterministic_mode.load(std::memory_order_relaxed); }
void set_deterministic(bool on) { deterministic_mode.store(on, std::memory_order_relaxed); }

ThreadLimit::ThreadLimit(int threads) : before_(num_threads()) {
  if (threads < before_) set_num_threads(threads);
}
ThreadLimit::~ThreadLimit() {
  if (num_threads() != before_) omp_set_num_threads(before_);
}

void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& work) {
  if (count <= 0 || detail::rehearsal != nullptr) return;
  const std::int64_t chunks = (count + grain - 1) / grain;
  const auto threads = static_cast<int>(std::min<std::int64_t>(chunks, num_threads()));
  if (threads <= 1 || omp_in_parallel() != 0) {
    work(0, count);
    return;
  }
  std::exception_ptr failure;
  publish(&failure);
#pragma omp parallel num_threads(threads)
  {
    observe(&failure);
    const std::int64_t team = omp_get_num_threads();
    const std::int64_t me = omp_get_thread_num();
    const std::int64_t begin = chunks * me / team * grain;
    const std::int64_t end = std::min(chunks * (me + 1) / team * grain, count);
    try {
      if (begin < end) work(begin, end);
    } catch (...) {
#pragma omp critical(dagrad_parallel_failure)
      if (!failure) failure = std::current_exception();
    }
    publish(&failure);
  }
  observe(&failure);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace dagrad
