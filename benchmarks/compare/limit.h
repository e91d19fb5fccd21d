// The limit of the machine for a workload.
#pragma once

#include "workloads/workload.h"

namespace dagrad::compare {

/// What a step takes at least.
struct Limit {
  double products = 0;  ///< seconds in matrix products and convolutions
  double moving = 0;    ///< seconds to move the bytes that the rest must move
  double seconds() const { return products + moving; }
};

/// The sum, over the products and convolutions of the step, of the time of the fastest oneDNN primitive for each, at
/// whatever layouts suit it best and with nothing reordered; and the bytes of the rest by the bandwidth at which a
/// simple loop reads and writes as many. Measured now, on up to `threads` threads (small work may be faster on one).
Limit limit_of(const workloads::Work& work, int threads);

}  // namespace dagrad::compare
