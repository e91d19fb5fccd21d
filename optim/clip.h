// Clipping of gradients.
#pragma once

#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

struct ClipNormOptions {
  double norm_type = 2;             ///< p > 0, or infinity for the largest magnitude
  bool error_if_nonfinite = false;  ///< throws GradientError naming the parameter and the element, changing nothing
};

/// The p-norm of all gradients as one vector, accumulated in double: the same to the last bit on any number of threads.
/// 0 where there is no gradient. Throws UsageError for norm_type <= 0.
double grad_norm(const std::vector<Tensor>& parameters, double norm_type = 2);

/// What clipping multiplies gradients of this norm by: max_norm / (norm + 1e-6) where that is below 1, else (also for a
/// norm that is NaN) 1. Throws UsageError for max_norm < 0.
double clip_coefficient(double norm, double max_norm);

/// Multiplies all gradients by clip_coefficient(norm, max_norm), norm being that of all of them together, and returns
/// the norm before. Zero gradients stay as they are. PyTorch's clip_grad_norm_.
double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, const ClipNormOptions& options = {});

/// The same for each gradient by itself; returns the norms before, 0 for a parameter without a gradient.
std::vector<double> clip_each_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                                         const ClipNormOptions& options = {});

/// Moves every element of the gradients into [-clip_value, clip_value], or [lower, upper]; NaN stays NaN. PyTorch's
/// clip_grad_value_. Throws UsageError for a negative or NaN bound, or lower > upper.
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);
void clip_grad_value_(const std::vector<Tensor>& parameters, double lower, double upper);

/// clip_grad_norm_ and a step in one pass over memory less: the coefficient goes into the step, and the gradients
/// themselves stay as they are. Returns the norm before.
double step_with_clipped_norm(Optimizer& optimizer, double max_norm, const ClipNormOptions& options = {});

}  // namespace dagrad::optim
