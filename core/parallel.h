// Threads: how many, and loops over them.
#pragma once

#include <cstdint>
#include <functional>

namespace dagrad {

/// The most threads that an op called from the calling thread may use. At the start: OMP_NUM_THREADS, or one per core.
int num_threads();
/// Sets it for the calling thread (threads started later begin anew). Throws UsageError below 1.
void set_num_threads(int threads);

/// Whether results are to be the same to the last bit on any number of threads (false at the start). The same build,
/// seed and number of threads always give the same bits; this also rules out the ways of oneDNN to split sums
/// over threads, at the price of running its primitives on one thread.
bool deterministic();
void set_deterministic(bool on);

/// Holds the calling thread's ops to `threads` threads for a scope.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

/// Calls `work(begin, end)` on parts of [0, count) that together make the whole, in parallel when `count` is more than
/// `grain`. Each part but the last is a multiple of `grain`. The first exception is thrown on after all have ended.
void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& work);

}  // namespace dagrad
