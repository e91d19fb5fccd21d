#include "dagrad/nn/data/bagging.h"

#include "dagrad/nn/data/sampler.h"

namespace dagrad::data {

Bag bag(std::int64_t count, std::int64_t member, std::uint64_t seed) {
  Bag result{ReplacementSampler(count, count, seed).order(member), {}};
  std::vector<bool> seen(static_cast<std::size_t>(count));
  for (const std::int64_t i : result.in) seen[static_cast<std::size_t>(i)] = true;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!seen[static_cast<std::size_t>(i)]) result.out.push_back(i);
  }
  return result;
}

}  // namespace dagrad::data
