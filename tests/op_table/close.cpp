#include "op_table/close.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dagrad::op_table {

Bound bound_for(DType dtype, double roundings, double bf16_roundings) {
  if (dtype == f64) return {roundings, 0x1p-53};
  if (dtype == bf16) return {roundings, 0x1p-24, 0x1p-8, bf16_roundings * 0x1p-8};
  return {roundings, 0x1p-24};
}

::testing::AssertionResult close(const Array& got, const Array& want, const Array* terms, const Bound& bound) {
  if (got.shape != want.shape) {
    return ::testing::AssertionFailure() << "shape " << got.shape.str() << ", want " << want.shape.str();
  }
  if (terms != nullptr && terms->shape != want.shape) {
    return ::testing::AssertionFailure() << "terms of " << terms->shape.str() << " for a result of "
                                         << want.shape.str();
  }
  const double factor = bound.roundings * bound.u / (1 - bound.roundings * bound.u) + bound.between;
  double worst = 0;
  std::size_t at = 0, count = 0;
  const auto excess = [&](std::size_t i) {
    const double g = got.values[i], w = want.values[i];
    if (g == w || (std::isnan(g) && std::isnan(w))) return 0.0;
    if (!std::isfinite(g) || !std::isfinite(w)) return std::numeric_limits<double>::infinity();
    // What is smaller than any normal number may have been flushed to zero.
    const double smallest = bound.u == 0x1p-53 ? 0x1p-1022 : 0x1p-126;
    const double error_of_terms = factor * (terms != nullptr ? terms->values[i] : std::fabs(w));
    const double allowed = error_of_terms + bound.last * (std::fabs(w) + error_of_terms) + smallest;
    return std::fabs(g - w) / allowed;
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = excess(i);
    if (e > 1) ++count;
    if (e > worst) {
      worst = e;
      at = i;
    }
  }
  if (count == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << count << " of " << got.size() << " elements are off; the worst, number " << at
                                       << " of " << got.shape.str() << ", is " << got.values[at] << ", want "
                                       << want.values[at] << ": off by " << got.values[at] - want.values[at] << ", "
                                       << worst << " times the bound for " << bound.roundings << " roundings";
}

::testing::AssertionResult same(const Array& got, const Array& want) { return close(got, want, nullptr, {0, 0, 0}); }

}  // namespace dagrad::op_table
