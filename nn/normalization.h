// Normalization layers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "dagrad/core/shape.h"
#include "dagrad/nn/convolution.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/module.h"
#include "dagrad/ops/normalization.h"

namespace dagrad::nn {

struct BatchNormLayerOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  ///< the batch's weight in the running estimates; none: their average so far
  bool affine = true;                    ///< with weight and bias
  bool track_running_stats = true;       ///< else it normalises by the batch's statistics in evaluation as well
  std::optional<Activation> activation = {};  ///< applied to the result (see batch_norm)
};

/// batch_norm of x with `features` channels: by the batch's statistics in training, and by their running estimates in
/// evaluation. Parameters weight (1 at the start) and bias (0), [features]; buffers running_mean (0), running_var (1)
/// and num_batches_tracked. Throws ShapeError for x of other shapes, and in training for one value per channel.
class BatchNorm : public Module {
 public:
  Tensor forward(const Tensor& x) override { return forward(x, options.activation); }
  /// The same with another activation than that of the options.
  Tensor forward(const Tensor& x, std::optional<Activation> activation);
  void parts(Parts& p) override;
  std::string describe() const override;
  /// Whether x may have that many axes.
  bool takes(int axes) const { return axes >= least_axes_ && axes <= most_axes_; }

  Tensor weight, bias;               ///< undefined unless affine
  Tensor running_mean, running_var;  ///< undefined unless track_running_stats, as is the next
  Tensor num_batches_tracked;        ///< i64: how many batches they have seen
  BatchNormLayerOptions options;

 protected:
  BatchNorm(const char* name, int least_axes, int most_axes, std::int64_t features, BatchNormLayerOptions given);

 private:
  const char* name_;
  int least_axes_, most_axes_;  // of x
  std::int64_t features_;
};

/// For x [N, C] or [N, C, L].
class BatchNorm1d : public BatchNorm {
 public:
  explicit BatchNorm1d(std::int64_t features, BatchNormLayerOptions given = {})
      : BatchNorm("BatchNorm1d", 2, 3, features, given) {}
};
/// For x [N, C, H, W].
class BatchNorm2d : public BatchNorm {
 public:
  explicit BatchNorm2d(std::int64_t features, BatchNormLayerOptions given = {})
      : BatchNorm("BatchNorm2d", 4, 4, features, given) {}
};
/// For x [N, C, D, H, W].
class BatchNorm3d : public BatchNorm {
 public:
  explicit BatchNorm3d(std::int64_t features, BatchNormLayerOptions given = {})
      : BatchNorm("BatchNorm3d", 5, 5, features, given) {}
};

struct InstanceNormLayerOptions {
  double eps = 1e-5;
  double momentum = 0.1;             ///< the batch's weight in the running estimates
  bool affine = false;               ///< with weight and bias
  bool track_running_stats = false;  ///< normalise by running estimates in evaluation
};

/// instance_norm of x with `features` channels, [N, C, spatial...] or one sample [C, spatial...]. Parameters and
/// buffers are BatchNorm's. Throws ShapeError for x of other shapes, and for one value per channel of a sample.
class InstanceNorm : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight, bias;               ///< undefined unless affine
  Tensor running_mean, running_var;  ///< undefined unless track_running_stats, as is the next
  Tensor num_batches_tracked;
  InstanceNormLayerOptions options;

 protected:
  InstanceNorm(const char* name, int axes, std::int64_t features, InstanceNormLayerOptions given);

 private:
  const char* name_;
  int axes_;  // of x with samples
  std::int64_t features_;
};

class InstanceNorm1d : public InstanceNorm {
 public:
  explicit InstanceNorm1d(std::int64_t features, InstanceNormLayerOptions given = {})
      : InstanceNorm("InstanceNorm1d", 3, features, given) {}
};
class InstanceNorm2d : public InstanceNorm {
 public:
  explicit InstanceNorm2d(std::int64_t features, InstanceNormLayerOptions given = {})
      : InstanceNorm("InstanceNorm2d", 4, features, given) {}
};
class InstanceNorm3d : public InstanceNorm {
 public:
  explicit InstanceNorm3d(std::int64_t features, InstanceNormLayerOptions given = {})
      : InstanceNorm("InstanceNorm3d", 5, features, given) {}
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;  ///< with weight
  bool bias = true;                ///< and with bias
};

/// layer_norm over the last axes of x, whose sizes are `normalized_shape`: `LayerNorm(512)`, `LayerNorm({8, 8})`.
/// Parameters weight (1 at the start) and bias (0) have that shape.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, LayerNormOptions given = {});
  explicit LayerNorm(std::int64_t last, LayerNormOptions given = {}) : LayerNorm(Shape{last}, given) {}
  explicit LayerNorm(std::initializer_list<std::int64_t> last, LayerNormOptions given = {})
      : LayerNorm(Shape(last), given) {}
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight, bias;  ///< undefined without
  Shape normalized_shape;
  LayerNormOptions options;
};

struct RMSNormOptions {
  std::optional<double> eps = {};  ///< see rms_norm
  bool elementwise_affine = true;  ///< with weight
};

/// rms_norm over the last axes of x, whose sizes are `normalized_shape`; parameter weight (1 at the start) has that
/// shape.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(const Shape& normalized_shape, RMSNormOptions given = {});
  explicit RMSNorm(std::int64_t last, RMSNormOptions given = {}) : RMSNorm(Shape{last}, given) {}
  explicit RMSNorm(std::initializer_list<std::int64_t> last, RMSNormOptions given = {}) : RMSNorm(Shape(last), given) {}
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;  ///< undefined without
  Shape normalized_shape;
  RMSNormOptions options;
};

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;  ///< with weight and bias
};

/// group_norm of x with `channels` channels in `groups` groups; parameters weight (1 at the start) and bias (0),
/// [channels]. Throws UsageError unless the groups divide the channels.
class GroupNorm : public Module {
 public:
  GroupNorm(std::int64_t groups, std::int64_t channels, GroupNormOptions given = {});
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight, bias;  ///< undefined unless affine
  std::int64_t groups;
  GroupNormOptions options;

 private:
  std::int64_t channels_;
};

/// A layer whose weight is standardised (see standardize_weight) each time it is used; its parameters keep their names:
/// `WeightStandardized<Conv2d>(3, 16, 3)`.
template <class Layer>
requires std::derived_from<Layer, Linear> || std::derived_from<Layer, Convolution>
class WeightStandardized : public Layer {
 public:
  using Layer::Layer;
  Tensor forward(const Tensor& x) override {
    Layer used = static_cast<const Layer&>(*this);
    used.weight = standardize_weight(this->weight);
    return used.Layer::forward(x);
  }
  std::string describe() const override { return "WeightStandardized" + Layer::describe(); }
};

/// A layer that gives what `norm` gives for the results of `layer`, in evaluation mode: weight' = weight scale and
/// bias' = (bias - running_mean) scale + norm.bias for each output, with scale = norm.weight / sqrt(running_var + eps).
/// Neither argument is changed. For Linear, norm must be applied to [N, out]. Throws UsageError when norm has no
/// running estimates or an activation, ShapeError when it has another number of features.
Linear fold_batch_norm(const Linear& layer, const BatchNorm& norm);
/// The same for a convolution, whose type stays: `Conv2d folded = fold_batch_norm(conv, norm)`.
template <class Layer>
requires std::derived_from<Layer, Convolution> Layer fold_batch_norm(const Layer& layer, const BatchNorm& norm);

namespace detail {
/// Puts folded tensors in place of `weight` [out, ...] and `bias`.
void fold_batch_norm(const BatchNorm& norm, Tensor& weight, Tensor& bias);
}  // namespace detail

template <class Layer>
requires std::derived_from<Layer, Convolution> Layer fold_batch_norm(const Layer& layer, const BatchNorm& norm) {
  Layer folded = layer;
  detail::fold_batch_norm(norm, folded.weight, folded.bias);
  return folded;
}

}  // namespace dagrad::nn
