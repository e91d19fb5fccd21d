// The kernels of the losses that are computed element by element. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad::losses {

/// Functions f(x, y) of an input and a target. Their formulas stand in loss_formulas-inl.h.
enum class Formula : std::uint8_t {
  squared,  // the first four are functions of x - y
  absolute,
  huber,
  smooth_l1,
  cross_entropy,         // of a probability
  logits_cross_entropy,  // of a logit; the third operand weighs the positives
  divergence,            // of y from the distribution whose logarithm x is
  log_divergence,        // the same, with y a logarithm as well
  poisson,               // -ln of the probability of y counts where x are expected, but for ln(y!)
  log_poisson            // the same, where x is the logarithm of the expected
};

/// By which of its operands a formula is differentiated.
enum class By : std::uint8_t { input, target };

/// Whether df/dy is -df/dx.
constexpr bool of_difference(Formula f) { return f <= Formula::smooth_l1; }

/// Contiguous x and y of one shape and floating type, and a third operand of that type: undefined (it is 1), or of a
/// shape whose elements repeat over those of x: contiguous, equal to x's last sizes.
struct Operands {
  const Tensor& x;
  const Tensor& y;
  const Tensor& weight;
};

/// dst = f(x, y), element by element; dst contiguous and of x's shape and type. `number` is the one in the formula,
/// where it has any.
void values(Formula f, double number, const Operands& in, Tensor& dst);

/// The sum of f(x, y): of blocks of 1024 elements in the type that is computed in, and of these in f64. It does not
/// depend on the number of threads.
double total(Formula f, double number, const Operands& in);

/// dst = scale diff_dst df/dx or df/dy; diff_dst is contiguous of x's shape, or a single element.
void gradient(Formula f, By by, double number, double scale, const Tensor& diff_dst, const Operands& in, Tensor& dst);

}  // namespace dagrad::losses
