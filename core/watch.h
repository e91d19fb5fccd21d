// What the ops of the calling thread are watched for. For apply() and for the tools that watch.
#pragma once

#include <cstdint>
#include <string_view>

#include "dagrad/core/location.h"

namespace dagrad {

/// The reasons to watch ops. They share one word, so that an op that nobody watches pays for a single test.
enum class Watch : std::uint8_t {
  anomaly = 1,    ///< AnomalyMode: search results for NaN
  ledger = 2,     ///< onednn::Ledger: which op a primitive runs for
  verify = 4,     ///< VerifyMode: compare results with the f64 kernel
  trace = 8,      ///< GradientTrace: remember also what is not recorded
  infinity = 16,  ///< AnomalyMode: search for infinities too
  times = 32,     ///< OpTimes: time each kernel
  capture = 64,   ///< Capture: write down what is to be replayed
};

namespace detail {

extern constinit thread_local std::uint8_t watches;

}  // namespace detail

/// Whether the calling thread's ops are watched at all, or for `what`.
inline bool watched() { return detail::watches != 0; }
inline bool watched(Watch what) { return (detail::watches & static_cast<std::uint8_t>(what)) != 0; }
/// Whether they are watched for anything else.
inline bool watched_but_for(Watch what) { return (detail::watches & ~static_cast<std::uint8_t>(what)) != 0; }

/// Watches, or stops to, for a scope.
class WatchScope {
 public:
  explicit WatchScope(Watch what, bool on = true);
  ~WatchScope();
  WatchScope(const WatchScope&) = delete;
  WatchScope& operator=(const WatchScope&) = delete;

 private:
  std::uint8_t bit_;
  bool before_;
};

/// Stops all watching for a scope: what a tool runs for itself is not to be watched.
class Unwatched {
 public:
  Unwatched() : before_(detail::watches) { detail::watches = 0; }
  ~Unwatched() { detail::watches = before_; }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;

 private:
  std::uint8_t before_;
};

/// The op whose kernel the calling thread is running. Known only while it is watched.
class RunningOp {
 public:
  RunningOp(std::string_view name, Location where);
  ~RunningOp();
  RunningOp(const RunningOp&) = delete;
  RunningOp& operator=(const RunningOp&) = delete;

  /// Null outside of a kernel; in a kernel that uses other ops, the innermost one.
  static const RunningOp* current();

  std::string_view name() const { return name_; }
  /// Where the op was called; for the ops of a backward, where their forward was.
  Location where() const;
  /// Like `'tanh' at model.cpp:12`, or `'mul' in the backward of 'tanh', recorded at model.cpp:12`.
  std::string str() const;
  /// Whether it runs within the kernel of another op.
  bool nested() const { return outer_ != nullptr; }

 private:
  std::string_view name_;
  Location where_;
  const RunningOp* outer_;
};

}  // namespace dagrad
