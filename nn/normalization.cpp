#include "dagrad/nn/normalization.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

void check_features(std::string_view name, std::int64_t features) {
  if (features < 1) throw UsageError(fmt::format("{}: features is {} (want at least 1)", name, features));
}

void start_estimates(std::int64_t features, Tensor& mean, Tensor& variance, Tensor& batches) {
  mean = zeros({features});
  variance = ones({features});
  batches = zeros({}, i64);
}

/// `, eps=0.001` and the like for what differs from PyTorch's defaults.
std::string differing(double eps, double usual = 1e-5) { return eps == usual ? "" : fmt::format(", eps={}", eps); }
std::string differing(std::string_view what, bool value, bool usual) {
  return value == usual ? "" : fmt::format(", {}={}", what, value);
}

void count_batch(const Tensor& count) {
  each_replay("count_batch", [t = count]() mutable { t.fill_(t.item<double>() + 1); });
}

void check_normalized_shape(const char* layer, const Shape& shape) {
  if (shape.empty() || std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 1; })) {
    throw UsageError(
        fmt::format("{}: normalized_shape is {} (want at least one axis, none of them empty)", layer, shape.str()));
  }
}

}  // namespace

// --- BatchNorm ---

BatchNorm::BatchNorm(const char* name, int least_axes, int most_axes, std::int64_t features,
                     BatchNormLayerOptions given)
    : options(given), name_(name), least_axes_(least_axes), most_axes_(most_axes), features_(features) {
  check_features(name, features);
  if (options.affine) {
    weight = parameter(ones({features}));
    bias = parameter(zeros({features}));
  }
  if (options.track_running_stats) start_estimates(features, running_mean, running_var, num_batches_tracked);
}

Tensor BatchNorm::forward(const Tensor& x, std::optional<Activation> activation) {
  if (!takes(x.dim()) || x.size(1) != features_) {
    throw ShapeError(fmt::format(
        "{}: x is {} (want {} dimensions and size(1) == {})", name_, x.shape().str(),
        least_axes_ == most_axes_ ? fmt::format("{}", least_axes_) : fmt::format("{} or {}", least_axes_, most_axes_),
        features_));
  }
  const bool training = is_training() || !running_mean.defined();
  const bool tracking = is_training() && running_mean.defined();
  double momentum = options.momentum.value_or(0);
  if (tracking && !options.momentum) momentum = 1 / (num_batches_tracked.item<double>() + 1);
  Tensor result =
      batch_norm(x, running_mean, running_var, weight, bias,
                 {.training = training, .momentum = momentum, .eps = options.eps, .activation = activation});
  if (tracking && !recomputing()) count_batch(num_batches_tracked);
  return result;
}

void BatchNorm::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
  p.buffer("running_mean", running_mean);
  p.buffer("running_var", running_var);
  p.buffer("num_batches_tracked", num_batches_tracked);
}

std::string BatchNorm::describe() const {
  std::string momentum;
  if (!options.momentum)
    momentum = ", momentum=none";
  else if (*options.momentum != 0.1)
    momentum = fmt::format(", momentum={}", *options.momentum);
  constexpr std::array names{"relu", "tanh", "sigmoid", "gelu"};
  return fmt::format(
      "{}({}{}{}{}{}{})", name_, features_, differing(options.eps), momentum, differing("affine", options.affine, true),
      differing("track_running_stats", options.track_running_stats, true),
      options.activation ? fmt::format(", activation={}", names[static_cast<std::size_t>(*options.activation)]) : "");
}

// --- InstanceNorm ---

InstanceNorm::InstanceNorm(const char* name, int axes, std::int64_t features, InstanceNormLayerOptions given)
    : options(given), name_(name), axes_(axes), features_(features) {
  check_features(name, features);
  if (options.affine) {
    weight = parameter(ones({features}));
    bias = parameter(zeros({features}));
  }
  if (options.track_running_stats) start_estimates(features, running_mean, running_var, num_batches_tracked);
}

Tensor InstanceNorm::forward(const Tensor& x) {
  const bool one = x.dim() == axes_ - 1;
  if ((!one && x.dim() != axes_) || x.size(one ? 0 : 1) != features_) {
    throw ShapeError(fmt::format("{}: x is {} (want {} dimensions and {} channels; or {}, for one sample)", name_,
                                 x.shape().str(), axes_, features_, axes_ - 1));
  }
  const bool tracking = is_training() && running_mean.defined();
  const Tensor result = instance_norm(
      one ? unsqueeze(x, 0) : x, running_mean, running_var, weight, bias,
      {.use_input_stats = is_training() || !running_mean.defined(), .momentum = options.momentum, .eps = options.eps});
  if (tracking && !recomputing()) count_batch(num_batches_tracked);
  return one ? squeeze(result, 0) : result;
}

void InstanceNorm::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
  p.buffer("running_mean", running_mean);
  p.buffer("running_var", running_var);
  p.buffer("num_batches_tracked", num_batches_tracked);
}

std::string InstanceNorm::describe() const {
  return fmt::format("{}({}{}{}{}{})", name_, features_, differing(options.eps),
                     options.momentum == 0.1 ? "" : fmt::format(", momentum={}", options.momentum),
                     differing("affine", options.affine, false),
                     differing("track_running_stats", options.track_running_stats, false));
}

// --- LayerNorm, RMSNorm, GroupNorm ---

LayerNorm::LayerNorm(const Shape& shape, LayerNormOptions given) : normalized_shape(shape), options(given) {
  check_normalized_shape("LayerNorm", shape);
  if (!options.elementwise_affine) return;
  weight = parameter(ones(shape));
  if (options.bias) bias = parameter(zeros(shape));
}

Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, normalized_shape, weight, bias, options.eps); }

void LayerNorm::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string LayerNorm::describe() const {
  return fmt::format("LayerNorm({}{}{}{})", normalized_shape.str(), differing(options.eps),
                     differing("elementwise_affine", options.elementwise_affine, true),
                     differing("bias", options.bias, true));
}

RMSNorm::RMSNorm(const Shape& shape, RMSNormOptions given) : normalized_shape(shape), options(given) {
  check_normalized_shape("RMSNorm", shape);
  if (options.elementwise_affine) weight = parameter(ones(shape));
}

Tensor RMSNorm::forward(const Tensor& x) { return rms_norm(x, normalized_shape, weight, options.eps); }

void RMSNorm::parts(Parts& p) { p.parameter("weight", weight); }

std::string RMSNorm::describe() const {
  return fmt::format("RMSNorm({}{}{})", normalized_shape.str(),
                     options.eps ? fmt::format(", eps={}", *options.eps) : "",
                     differing("elementwise_affine", options.elementwise_affine, true));
}

GroupNorm::GroupNorm(std::int64_t groups_in, std::int64_t channels, GroupNormOptions given)
    : groups(groups_in), options(given), channels_(channels) {
  if (groups < 1 || channels < 1 || channels % groups != 0) {
    throw UsageError(
        fmt::format("GroupNorm: {} groups of {} channels (want a number that divides them)", groups, channels));
  }
  if (!options.affine) return;
  weight = parameter(ones({channels}));
  bias = parameter(zeros({channels}));
}

Tensor GroupNorm::forward(const Tensor& x) {
  if (x.dim() < 2 || x.size(1) != channels_) {
    throw ShapeError(
        fmt::format("GroupNorm: x is {} (want at least 2 dimensions and size(1) == {})", x.shape().str(), channels_));
  }
  return group_norm(x, groups, weight, bias, options.eps);
}

void GroupNorm::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string GroupNorm::describe() const {
  return fmt::format("GroupNorm({}, {}{}{})", groups, channels_, differing(options.eps),
                     differing("affine", options.affine, true));
}

// --- folding ---

void detail::fold_batch_norm(const BatchNorm& norm, Tensor& weight, Tensor& bias) {
  if (!norm.running_mean.defined())
    throw UsageError("fold_batch_norm: norm has no running estimates (want track_running_stats)");
  if (norm.options.activation)
    throw UsageError("fold_batch_norm: norm applies an activation (want it in a module of its own)");
  const std::int64_t out = weight.size(0);
  if (norm.running_mean.numel() != out) {
    throw ShapeError(fmt::format("fold_batch_norm: layer has {} outputs, norm has {} features (want equal numbers)",
                                 out, norm.running_mean.numel()));
  }
  const NoGrad guard;
  const auto wide = [](const Tensor& t) { return to(t, f64); };
  Tensor scale = rsqrt(wide(norm.running_var) + norm.options.eps), shift = neg(wide(norm.running_mean));
  if (bias.defined()) shift = shift + wide(bias);
  if (norm.weight.defined()) scale = scale * wide(norm.weight);
  shift = shift * scale;
  if (norm.bias.defined()) shift = shift + wide(norm.bias);
  Shape by_output = Shape::filled(weight.dim(), 1);
  by_output[0] = out;
  const bool trained = weight.requires_grad();
  const DType dtype = weight.dtype();
  weight = to(wide(weight) * reshape(scale, by_output), dtype).requires_grad_(trained);
  bias = to(shift, dtype).requires_grad_(trained);
}

Linear fold_batch_norm(const Linear& layer, const BatchNorm& norm) {
  Linear folded = layer;
  detail::fold_batch_norm(norm, folded.weight, folded.bias);
  return folded;
}

}  // namespace dagrad::nn
