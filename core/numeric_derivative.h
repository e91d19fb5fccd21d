// The derivative of a function of one number from its values, with an estimate of its own error. Internal.
#pragma once

#include <array>
#include <span>
#include <vector>

namespace dagrad {

/// What the values of a function say about its derivative.
struct NumericDerivative {
  double value;
  double error;  ///< how far off `value` may be: truncation, kinks and rounding; infinity when nothing is known
  double step;   ///< the smallest step that went into it
};

/// f'(x) from f(x +- h) for falling h: central differences, extrapolated to h = 0 in powers of h^2 with the error
/// estimate of Ridders (Advances in Engineering Software 4, 1982), to which come
/// - rounding: the noise of f over the step, carried through the extrapolation, so that two differences which agree by
///   chance do not pass for exact;
/// - kinks: the slopes to the right and to the left must meet as h falls. Central differences alone cannot see that:
///   for relu at 0 they say 0.5 at every step.
class DifferenceTable {
 public:
  /// f at x - left, x and x + right, where right and left are a step that is smaller than those before (equal up to
  /// rounding), and the absolute error of these values. A value that is not finite makes the step count for nothing.
  void add(double left, double right, double below, double here, double above, double noise);

  /// The estimate whose error is smallest; but where estimates exclude each other, that of the smaller steps: the
  /// function has structure which the larger ones do not see.
  const NumericDerivative& best() const { return best_; }

  /// Whether there are estimates that exclude each other and `value` is between them, or near one. Values that are
  /// constant in steps, because rounding is hidden in them, give such estimates.
  bool is_between_rivals(double value) const;

  /// Whether a smaller step can still have a smaller error: false once rounding alone exceeds it.
  bool may_improve() const;

  /// How far the differences at much smaller steps than best().step lie from best().value beyond their own rounding:
  /// large when the function has structure below that step. Steps whose rounding exceeds `rounding` are not asked.
  double disagreement_below(double rounding) const;

 private:
  static constexpr int kOrder = 5;  // further columns of the table only gather rounding
  using Row = std::array<double, kOrder + 1>;
  struct Level {
    double step;
    Row slope, bend, rounding;  // extrapolations of f', of f'', and the rounding error of f', by order
  };

  void consider(const Level& level, const Level& before, int order);

  std::vector<Level> levels_;
  std::vector<NumericDerivative> rivals_;
  NumericDerivative best_ = kNothing;
  static const NumericDerivative kNothing;
};

/// The standard deviation of the error in f's values, from values at equally spaced points so close together that f is
/// a polynomial of degree 3 between them: what remains in the higher differences is noise (Hamming's difference table,
/// as in More and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011). At least 8 values; infinity
/// when one is not finite.
double noise_level(std::span<const double> values);

}  // namespace dagrad
