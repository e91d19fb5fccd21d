// Whether an analytic derivative is right, given what differences say. Internal.
#pragma once

#include "dagrad/core/gradcheck.h"
#include "dagrad/core/numeric_derivative.h"

namespace dagrad {

/// What the judgement of one element leans on besides the two values.
struct Tolerances {
  double rtol;
  double zero;   // a numeric error below this is small enough for a small derivative
  double row;    // the largest analytic value of this row of the Jacobian: sets the rounding error of the others
  double block;  // the largest of all rows of this output
};

struct Judgement {
  GradcheckVerdict verdict;
  double bound;
};

/// Right: they agree within the bound and the numeric value is certain enough. Wrong: they differ by clearly more.
/// After fewer than all steps, wrong is preliminary.
Judgement judge(double analytic, const DifferenceTable& table, const Tolerances& tolerances);

}  // namespace dagrad
