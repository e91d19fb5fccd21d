// Derivatives of the gradients of the normalizations, in ops. Internal.
#pragma once

#include <array>

#include "dagrad/ops/reduction.h"

namespace dagrad {

/// A normalization's backward (g, x, w) -> (diff_x, diff_w, diff_b), and the gradients that came for its results.
struct NormBackward {
  Axes axes;         ///< that statistics are taken over
  double eps;        ///< added to the variance
  bool centered;     ///< else the mean counts as 0
  Tensor mean = {};  ///< where they are constants, the mean, and 1 / sqrt(variance + eps), broadcasting to x
  Tensor scale = {};
  Tensor g = {}, x = {};  ///< diff_dst and src
  Tensor w = {};          ///< broadcasts to x; undefined for 1
  Tensor diff_x = {};     ///< undefined where none came, as are the next two, which have w's shape
  Tensor diff_w = {}, diff_b = {};
};

/// The gradients of g, x and w.
///
/// Note [Second derivative of a normalization]. With r = 1 / sqrt(variance + eps), n = (x - mean) r, v = w g and
/// m(..) the mean over a set of elements that are normalised together, the backward is
///
///     diff_x = r P(v),  P(v) = v - m(v) - n m(v n),    diff_w = sum(g n),    diff_b = sum(g).
///
/// Let h, hw and hb be the gradients that come for these. P is symmetric, a gradient u of n gives x the gradient
/// r P(u), and dr/dx = -r^2 n / (size of the set). So
///
///     of v: r P(h)
///     of g: w r P(h) + hw n + hb
///     of w: sum(g r P(h))
///     of x: r P(hw g - r (h m(v n) + v m(h n))) - r^2 n m(h P(v)).
///
/// Where the mean counts as 0, P has no m(v); where statistics are constants, P(v) = v, and the rest of x's gradient
/// is r hw g.
std::array<Tensor, 3> differentiate(const NormBackward& backward);

}  // namespace dagrad
