// Normalizations: what is normalised has mean 0 and variance 1 over some axes, and is then scaled and shifted by
// learnable weights and biases (each may be undefined: then they are 1 and 0).
//
// Variances are biased (divided by the number of values). bf16 is computed in f32 and rounded once; its weights, biases
// and running estimates may be f32. Every function can be differentiated any number of times.
#pragma once

#include <optional>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/matmul.h"

namespace dagrad {

struct BatchNormOptions {
  bool training = false;  ///< normalise by the batch's statistics, else by the running ones
  double momentum = 0.1;  ///< the weight of the batch's statistics in the running ones
  double eps = 1e-5;
  std::optional<Activation> activation = {};  ///< applied to the result; relu within the same op
};

/// (src - mean) / sqrt(variance + eps) weight + bias for each channel (axis 1) of src [N, C] or [N, C, spatial...] of
/// 2 to 5 dimensions; weight, bias and the running estimates are [C]. Channels-last input gives channels-last output.
///
/// In training, mean and variance are those of each channel's values, and the running estimates (where there are any)
/// become (1 - momentum) running + momentum batch, with the unbiased variance. Otherwise they are the running
/// estimates, which are constants: they get no gradient.
///
/// Throws ShapeError, also in training with fewer than two values per channel; DTypeError; UsageError when estimates
/// that are needed are missing, or require a gradient. (Ioffe and Szegedy 2015.)
Tensor batch_norm(const Tensor& src, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, const BatchNormOptions& options = {}, Location where = Location::current());

/// (src - mean) / sqrt(variance + eps) weight + bias over the last axes, whose sizes are `normalized_shape`, also that
/// of weight and bias. Throws ShapeError, DTypeError. (Ba, Kiros and Hinton 2016.)
Tensor layer_norm(const Tensor& src, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5, Location where = Location::current());

/// src / sqrt(mean(src^2) + eps) weight over the last axes, whose sizes are `normalized_shape`, also that of weight.
/// Without eps it is the distance of 1 to the next number of the type that is computed in: 1.2e-7 for f32 and bf16,
/// 2.2e-16 for f64. Throws ShapeError, DTypeError. (Zhang and Sennrich 2019.)
Tensor rms_norm(const Tensor& src, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {}, Location where = Location::current());

/// (src - mean) / sqrt(variance + eps) weight + bias over the spatial axes and `groups` equal groups of the channels of
/// src [N, C] or [N, C, spatial...], of each sample; weight and bias are [C]. A group of one value gives the bias.
/// Channels-last input gives channels-last output. Throws ShapeError, DTypeError. (Wu and He 2018.)
Tensor group_norm(const Tensor& src, std::int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5, Location where = Location::current());

struct InstanceNormOptions {
  bool use_input_stats = true;  ///< normalise by each sample's statistics, else by the running ones
  double momentum = 0.1;        ///< the weight of the batch's statistics in the running ones
  double eps = 1e-5;
};

/// group_norm with one group for each channel, for src [N, C, spatial...] of 3 to 5 dimensions. The running estimates,
/// where there are any, become (1 - momentum) running + momentum batch, with the means over the samples of their means
/// and unbiased variances. Without use_input_stats it is batch_norm at inference.
///
/// Throws as batch_norm does: ShapeError also for one value per channel of a sample. (Ulyanov et al. 2016.)
Tensor instance_norm(const Tensor& src, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {}, const InstanceNormOptions& options = {},
                     Location where = Location::current());

/// (weight - mean) / sqrt(variance + eps) over all but the first axis of weight [out, in, ...]: for each output, its
/// incoming weights. Throws ShapeError below 2 dimensions, DTypeError. (Qiao et al. 2019.)
Tensor standardize_weight(const Tensor& weight, double eps = 1e-5, Location where = Location::current());

}  // namespace dagrad
