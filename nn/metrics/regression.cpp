#include "dagrad/nn/metrics/regression.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {
namespace {

/// The mean of `distance(target - prediction)` over the elements of each sample.
template <class Distance>
std::vector<double> mean_distances(const std::string& metric, const Tensor& target, const Tensor& prediction,
                                   const Distance& distance) {
  check_same_shape(metric, target, prediction);
  const auto wanted = target.to_vector<double>(), got = prediction.to_vector<double>();
  std::vector<double> result(static_cast<std::size_t>(target.size(0)));
  const std::size_t each = result.empty() ? 1 : wanted.size() / result.size();
  for (std::size_t i = 0; i < wanted.size(); ++i)
    result[i / each] += distance(wanted[i] - got[i]) / static_cast<double>(each);
  return result;
}

}  // namespace

std::vector<double> MeanSquaredError::figures(const Tensor& target, const Tensor& prediction) const {
  return mean_distances(name(), target, prediction, [](double d) { return d * d; });
}

double RootMeanSquaredError::result() const { return std::sqrt(MeanSquaredError::result()); }

std::vector<double> MeanAbsoluteError::figures(const Tensor& target, const Tensor& prediction) const {
  return mean_distances(name(), target, prediction, [](double d) { return std::abs(d); });
}

void R2Score::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  check_same_shape(name(), target, prediction);
  const auto weights = sample_weights(name(), sample_weight, target.size(0));
  if (weights.empty()) return;
  const auto wanted = target.to_vector<double>(), got = prediction.to_vector<double>();
  const std::size_t each = wanted.size() / weights.size();
  if (outputs_.empty()) outputs_.resize(each);
  if (outputs_.size() != each)
    throw ShapeError(fmt::format("R2Score: {} outputs (want {}, as before)", each, outputs_.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double w = weights[i / each], y = wanted[i];
    if (w == 0) continue;
    // Welford's way to sum squares about a mean that is not known yet: no large numbers are taken from each other.
    Output& output = outputs_[i % each];
    output.weight += w;
    const double before = y - output.mean;
    output.mean += w / output.weight * before;
    output.spread += w * before * (y - output.mean);
    output.residual += w * (y - got[i]) * (y - got[i]);
  }
}

double R2Score::result() const {
  double sum = 0;
  for (const Output& output : outputs_) {
    if (output.weight == 0) return std::numeric_limits<double>::quiet_NaN();
    if (output.spread > 0) {
      sum += 1 - output.residual / output.spread;
    } else {
      sum += output.residual == 0 ? 1 : 0;
    }
  }
  return sum / static_cast<double>(outputs_.size());
}

optim::State R2Score::state() const {
  std::vector<double> sums;
  for (const Output& o : outputs_) sums.insert(sums.end(), {o.weight, o.mean, o.spread, o.residual});
  return {.kind = name(),
          .numbers = {},
          .tensors = {{"outputs", tensor(sums, {static_cast<std::int64_t>(outputs_.size()), 4})}}};
}

std::function<void()> R2Score::prepare_state(const optim::State& state) {
  const std::string kind = name();
  optim::StateReader reader(kind, state);
  const Tensor& kept = reader.tensor("outputs");
  const auto sums = reader.tensor("outputs", {kept.dim() > 0 ? kept.size(0) : 0, 4}, f64).to_vector<double>();
  reader.finish();
  std::vector<Output> loaded;
  for (std::size_t i = 0; i < sums.size(); i += 4) loaded.push_back({sums[i], sums[i + 1], sums[i + 2], sums[i + 3]});
  return [this, loaded = std::move(loaded)]() mutable { outputs_ = std::move(loaded); };
}

}  // namespace dagrad::metrics
