// Bringing features to a common scale.
#pragma once

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// (x - shift) scale, with a shift and a scale for each feature that were fitted on training data, and on these alone:
/// they are buffers, so they are saved and loaded with the model whose first layer this is.
///
///   auto scaler = FeatureScaler::standardise(train.features);
///   Sequential net(scaler, Linear(30, 64), ReLU(), Linear(64, 2));
class FeatureScaler : public Module {
 public:
  /// Leaves x as it is, for shifts and scales of `shape` that are to be loaded.
  explicit FeatureScaler(const Shape& shape);

  /// To mean 0 and variance 1 over the samples (dividing by their number): for features [N, F] of each feature, for
  /// images [N, C, ...] of each channel. A feature that is constant keeps its scale. Throws UsageError for no samples,
  /// and for one that is NaN or infinite, naming it.
  static FeatureScaler standardise(const Tensor& features);
  /// To [low, high] from the smallest and largest of the samples, in the same way.
  static FeatureScaler min_max(const Tensor& features, double low = 0, double high = 1);

  Tensor forward(const Tensor& x) override;
  /// The features that forward gives y for.
  Tensor inverse(const Tensor& y) const;
  void parts(Parts& p) override;
  std::string describe() const override { return "FeatureScaler"; }

  Tensor shift, scale;  ///< [F], or [C, 1, ...] for images
};

}  // namespace dagrad::nn
