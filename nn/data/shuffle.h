// Fisher and Yates' shuffle. Internal.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "dagrad/core/random.h"

namespace dagrad::data {

template <class T>
void shuffle(std::vector<T>& values, Generator& generator) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[generator.next_below(i)]);
}

}  // namespace dagrad::data
