// What the elements of a tensor are like.
#pragma once

#include <cstdint>
#include <string>

#include "dagrad/core/tensor.h"
#include "tools/chart.h"

namespace dagrad::tools {

/// Of the finite elements, but for the counts. Computed in double precision.
struct TensorStatistics {
  std::int64_t count = 0;      ///< of all elements
  std::int64_t zeros = 0;      ///< of those that are 0 or -0
  std::int64_t nan = 0;        ///< of those that are no number
  std::int64_t infinite = 0;   ///< of those that are infinite
  double mean = 0;             ///< NaN when no element is finite, as are the next three
  double deviation = 0;        ///< the square root of the mean squared distance from the mean
  double least = 0, most = 0;  ///
  double norm = 0;             ///< the square root of the sum of squares
  Histogram histogram;         ///< from least to most

  std::int64_t finite() const { return count - nan - infinite; }
};

/// Goes over the elements twice, in pieces: memory does not grow with the tensor.
TensorStatistics statistics_of(const Tensor& t, const std::string& name, int bins = 40);

/// One character for each of `width` groups of bins, the higher the more it holds: "▁▂▇▂▁". Empty groups are spaces.
std::string sparkline(const Histogram& histogram, std::size_t width);

}  // namespace dagrad::tools
