// The clock that runs while an op's kernel does, when somebody wants to know. Internal.
#pragma once

#include <chrono>
#include <string_view>

namespace dagrad {

/// How long the kernel of the op that ran last took, with the kernels inside it.
struct OpClock {
  using Clock = std::chrono::steady_clock;
  std::string_view op;
  Clock::time_point start;
  Clock::duration duration{};
};

namespace detail {

// Null while nobody asks. Read only by ops that are watched.
extern constinit thread_local OpClock* op_clock;

}  // namespace detail
}  // namespace dagrad
