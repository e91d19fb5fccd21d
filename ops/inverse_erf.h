// The inverse of the error function. Internal.
#pragma once

namespace dagrad {

/// x with erf(x) = y, to some units in the last place: infinite at -1 and 1, NaN beyond.
double inverse_erf(double y);

}  // namespace dagrad
