#include "dagrad/core/random_log.h"

#include "dagrad/core/error.h"

namespace dagrad {
namespace detail {

constinit thread_local RandomLogging* random_logging = nullptr;

}  // namespace detail

RandomLogging::RandomLogging(RandomLog& log, Mode mode) : log_(log), mode_(mode), outer_(detail::random_logging) {
  detail::random_logging = this;
}
RandomLogging::~RandomLogging() { detail::random_logging = outer_; }

std::uint64_t RandomLogging::reserve(std::uint64_t seed, std::uint64_t& position, std::uint64_t blocks) {
  if (mode_ == Mode::replay) {
    if (next_ == log_.draws.size()) {
      throw GradientError(
          "checkpoint: the function draws more random numbers when it is computed again (want the same both times)");
    }
    const RandomLog::Draw draw = log_.draws[next_++];
    if (draw.seed != seed) {
      throw GradientError(
          "checkpoint: a random generator was seeded anew since the forward, so its numbers cannot be repeated (want "
          "the backward first)");
    }
    return draw.first;
  }
  std::uint64_t first = position;
  if (outer_ != nullptr)
    first = outer_->reserve(seed, position, blocks);
  else
    position += blocks;
  log_.draws.push_back({seed, first});
  return first;
}

}  // namespace dagrad
