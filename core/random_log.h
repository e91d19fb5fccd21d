// Draws from generators that are to repeat. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dagrad {

/// What generators handed out while a function ran, in order, whichever generators they were.
struct RandomLog {
  struct Draw {
    std::uint64_t seed, first;
  };
  std::vector<Draw> draws;
};

/// For a scope of the calling thread: writes down what generators hand out, or hands it out again and leaves the
/// generators where they are.
class RandomLogging {
 public:
  enum class Mode : std::uint8_t { record, replay };
  RandomLogging(RandomLog& log, Mode mode);
  ~RandomLogging();
  RandomLogging(const RandomLogging&) = delete;
  RandomLogging& operator=(const RandomLogging&) = delete;

  /// The first of `blocks` blocks for a generator that would hand out those from `position` on, and then advance it.
  /// Throws GradientError when a replay does not find the draw that it expects.
  std::uint64_t reserve(std::uint64_t seed, std::uint64_t& position, std::uint64_t blocks);

 private:
  RandomLog& log_;
  Mode mode_;
  std::size_t next_ = 0;
  RandomLogging* outer_;
};

namespace detail {

extern constinit thread_local RandomLogging* random_logging;

}  // namespace detail
}  // namespace dagrad
