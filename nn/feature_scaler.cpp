#include "dagrad/nn/feature_scaler.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <tuple>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

struct Moments {
  double count = 0, mean = 0, squares = 0;
  double smallest = std::numeric_limits<double>::infinity(), largest = -std::numeric_limits<double>::infinity();

  /// Welford's sum of squares about the mean so far.
  void add(double x) {
    ++count;
    const double before = x - mean;
    mean += before / count;
    squares += before * (x - mean);
    smallest = std::min(smallest, x);
    largest = std::max(largest, x);
  }
};

/// Those of each feature or channel, which is axis 1.
std::vector<Moments> moments_of(const Tensor& features) {
  if (features.dim() < 1 || features.numel() == 0)
    throw UsageError(fmt::format("FeatureScaler: features are {} (want samples)", features.shape().str()));
  const std::int64_t samples = features.size(0), channels = features.dim() == 1 ? 1 : features.size(1);
  const std::int64_t each = features.numel() / (samples * channels);
  const Tensor wide = to(contiguous(features), f64);
  const double* x = wide.data<double>();
  std::vector<Moments> moments(static_cast<std::size_t>(channels));
  for (std::int64_t i = 0; i < samples; ++i) {
    for (Moments& channel : moments) {
      for (std::int64_t k = 0; k < each; ++k, ++x) {
        if (!std::isfinite(*x))
          throw UsageError(fmt::format("FeatureScaler: sample {} has a feature that is {} (want finite ones)", i, *x));
        channel.add(*x);
      }
    }
  }
  return moments;
}

Shape parameter_shape(const Tensor& features) {
  Shape shape = Shape::filled(std::max(features.dim() - 1, 0), 1);
  if (features.dim() > 1) shape[0] = features.size(1);
  return shape;
}

template <class Fit>
FeatureScaler fitted(const Tensor& features, const Fit& fit) {
  const NoGrad guard;
  const std::vector<Moments> moments = moments_of(features);
  FeatureScaler scaler(parameter_shape(features));
  Tensor shift = empty(scaler.shift.shape(), f64), scale = empty(scaler.scale.shape(), f64);
  for (std::size_t i = 0; i < moments.size(); ++i)
    std::tie(shift.mutable_data<double>()[i], scale.mutable_data<double>()[i]) = fit(moments[i]);
  const DType dtype = features.dtype() == f64 ? f64 : f32;
  scaler.shift = to(shift, dtype);
  scaler.scale = to(scale, dtype);
  return scaler;
}

}  // namespace

FeatureScaler::FeatureScaler(const Shape& shape) : shift(zeros(shape)), scale(ones(shape)) {}

FeatureScaler FeatureScaler::standardise(const Tensor& features) {
  return fitted(features, [](const Moments& m) {
    const double deviation = std::sqrt(m.squares / m.count);
    return std::pair(m.mean, deviation > 0 ? 1 / deviation : 1.0);
  });
}

FeatureScaler FeatureScaler::min_max(const Tensor& features, double low, double high) {
  if (!(low < high)) throw UsageError(fmt::format("FeatureScaler: low is {}, high is {} (want low < high)", low, high));
  return fitted(features, [&](const Moments& m) {
    const double range = m.largest - m.smallest;
    const double factor = range > 0 ? (high - low) / range : 1.0;
    return std::pair(m.smallest - low / factor, factor);
  });
}

Tensor FeatureScaler::forward(const Tensor& x) { return (x - shift) * scale; }

Tensor FeatureScaler::inverse(const Tensor& y) const { return y / scale + shift; }

void FeatureScaler::parts(Parts& p) {
  p.buffer("shift", shift);
  p.buffer("scale", scale);
}

}  // namespace dagrad::nn
