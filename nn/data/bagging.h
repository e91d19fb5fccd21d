// Bootstrap samples.
#pragma once

#include <cstdint>
#include <vector>

namespace dagrad::data {

/// The samples that one member of an ensemble learns from, and those that it never saw, on which it can be tested.
struct Bag {
  std::vector<std::int64_t> in;   ///< as many as there are samples, some of them several times
  std::vector<std::int64_t> out;  ///< about 37% of them
};

/// Bagging (Breiman 1996): `count` samples drawn with replacement for member `member`, by `seed` and member alone:
/// `train.subset(bag(train.size(), member).in)`. Throws UsageError unless count >= 1.
Bag bag(std::int64_t count, std::int64_t member, std::uint64_t seed = 0);

}  // namespace dagrad::data
