#include "tools/lab/tridiagonal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace dagrad::tools::lab {
namespace {

/// How many eigenvalues lie below x.
std::size_t count_below(const std::vector<double>& diagonal, const std::vector<double>& off, double x) {
  std::size_t count = 0;
  double pivot = 1;
  for (std::size_t i = 0; i < diagonal.size(); ++i) {
    const double beside = i == 0 ? 0 : off[i - 1] * off[i - 1];
    pivot = diagonal[i] - x - (i == 0 ? 0 : beside / pivot);
    if (pivot == 0) pivot = 1e-300;
    if (pivot < 0) ++count;
  }
  return count;
}

}  // namespace

std::vector<double> tridiagonal_eigenvalues(const std::vector<double>& diagonal, const std::vector<double>& off) {
  double radius = 0;  // Gershgorin: all lie within it
  for (std::size_t i = 0; i < diagonal.size(); ++i) {
    const double before = i == 0 ? 0 : std::abs(off[i - 1]), after = i < off.size() ? std::abs(off[i]) : 0;
    radius = std::max(radius, std::abs(diagonal[i]) + before + after);
  }
  std::vector<double> result;
  for (std::size_t k = 0; k < diagonal.size(); ++k) {
    double low = -radius, high = radius;
    for (int i = 0; i < 80; ++i) {
      const double middle = 0.5 * (low + high);
      (count_below(diagonal, off, middle) > k ? high : low) = middle;
    }
    result.push_back(0.5 * (low + high));
  }
  return result;
}

}  // namespace dagrad::tools::lab
