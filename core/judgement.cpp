#include "dagrad/core/judgement.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dagrad {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The rounding error of an analytic derivative, relative to the largest one that it was computed with.
constexpr double kAnalyticRounding = 16 * std::numeric_limits<double>::epsilon();

}  // namespace

Judgement judge(double analytic, const DifferenceTable& table, const Tolerances& tolerances) {
  const NumericDerivative numeric = table.best();
  if (numeric.error == kInfinity) return {GradcheckVerdict::cannot_tell, kInfinity};
  const double relative = tolerances.rtol * std::abs(numeric.value);
  if (!std::isfinite(analytic)) {
    // An infinite slope has no finite differences to contradict it, unless they are certain.
    const bool known = numeric.error <= relative || numeric.error <= tolerances.zero || std::isnan(analytic);
    return {known ? GradcheckVerdict::wrong : GradcheckVerdict::cannot_tell, numeric.error + relative};
  }
  const double larger = std::max(std::abs(analytic), std::abs(numeric.value));
  const double difference = std::abs(analytic - numeric.value);
  const bool is_zero = std::abs(numeric.value) <= numeric.error;
  // Backward may leave rounding errors of the size of its intermediate results where the derivative is zero.
  const double allowed = tolerances.rtol * larger + (kAnalyticRounding * (is_zero ? tolerances.block : tolerances.row));
  const double bound = numeric.error + allowed;
  // Or beside the derivative, as in 1 - p for p near 1; but that excuses no derivative that is missing.
  const bool rounded = difference <= bound + kAnalyticRounding * tolerances.block;
  if (difference <= bound || (rounded && difference <= 0.1 * larger)) {
    const bool certain = numeric.error <= std::max(tolerances.rtol * larger, tolerances.zero);
    return {certain ? GradcheckVerdict::right : GradcheckVerdict::cannot_tell, bound};
  }
  // To call it wrong takes three times the error, and no other scale on which the function is otherwise.
  const double hidden = std::max(2 * numeric.error, table.disagreement_below(difference / 20));
  const bool doubtful = rounded || difference <= bound + hidden || table.is_between_rivals(analytic);
  return {doubtful ? GradcheckVerdict::cannot_tell : GradcheckVerdict::wrong, bound};
}

}  // namespace dagrad
