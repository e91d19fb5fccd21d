#include "dagrad/nn/init.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad::nn::init {
namespace {

double fan_of(const Tensor& t, Mode mode) { return mode == Mode::fan_in ? fans(t).in : fans(t).out; }

double kaiming_std(const Tensor& t, const KaimingOptions& options) {
  return calculate_gain(options.nonlinearity, options.a) / std::sqrt(fan_of(t, options.mode));
}

}  // namespace

double calculate_gain(Nonlinearity nonlinearity, double a) {
  switch (nonlinearity) {
    case Nonlinearity::tanh: return 5.0 / 3.0;
    case Nonlinearity::relu: return std::sqrt(2.0);
    case Nonlinearity::leaky_relu: return std::sqrt(2.0 / (1 + a * a));
    case Nonlinearity::selu: return 0.75;
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid: break;
  }
  return 1;
}

Fans fans(const Tensor& weights) {
  if (weights.dim() < 2) {
    throw ShapeError(
        fmt::format("init: weights are {} (want [out, in, ...]: at least two dimensions)", weights.shape().str()));
  }
  const auto field = static_cast<double>(weights.numel()) / static_cast<double>(weights.size(0) * weights.size(1));
  return {static_cast<double>(weights.size(1)) * field, static_cast<double>(weights.size(0)) * field};
}

Tensor& uniform_(Tensor& t, double low, double high, Generator& generator) {
  if (!(low <= high)) throw UsageError(fmt::format("uniform_: low is {}, high is {} (want low <= high)", low, high));
  fill_uniform(t, low, high, generator);
  t.note_in_place("uniform_");
  return t;
}

Tensor& normal_(Tensor& t, double mean, double std, Generator& generator) {
  if (!(std >= 0)) throw UsageError(fmt::format("normal_: std is {} (want std >= 0)", std));
  fill_normal(t, mean, std, generator);
  t.note_in_place("normal_");
  return t;
}

Tensor& trunc_normal_(Tensor& t, double mean, double std, double low, double high, Generator& generator) {
  if (!(std > 0)) throw UsageError(fmt::format("trunc_normal_: std is {} (want std > 0)", std));
  if (!(low < high)) throw UsageError(fmt::format("trunc_normal_: low is {}, high is {} (want low < high)", low, high));
  // Draws by the inverse of the distribution function. That is exact in its lower half alone, so what lies mostly in
  // the upper half is drawn mirrored.
  const bool mirrored = low + high > 2 * mean;
  const double from = (mirrored ? mean - high : low - mean) / std, to = (mirrored ? mean - low : high - mean) / std;
  const auto below = [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; };
  const double p_from = below(from), p_to = below(to);
  Tensor draws = empty(t.shape(), f64);
  fill_uniform(draws, p_from, p_to, generator);
  double* values = draws.mutable_data<double>();
  for (std::int64_t i = 0; i < draws.numel(); ++i) {
    const double p = std::clamp(values[i], 1e-300, 1 - 1e-16);
    const double z = -std::sqrt(2.0) * boost::math::erfc_inv(2 * p);
    values[i] = std::clamp(mean + std * (mirrored ? -z : z), low, high);
  }
  const NoGrad guard;
  t.copy_(draws).note_in_place("trunc_normal_");
  return t;
}

Tensor& constant_(Tensor& t, double value) {
  const NoGrad guard;
  t.fill_(value).note_in_place("constant_");
  return t;
}
Tensor& zeros_(Tensor& t) { return constant_(t, 0); }
Tensor& ones_(Tensor& t) { return constant_(t, 1); }

Tensor& xavier_uniform_(Tensor& t, double gain, Generator& generator) {
  const Fans fan = fans(t);
  const double bound = gain * std::sqrt(6 / (fan.in + fan.out));
  return uniform_(t, -bound, bound, generator);
}

Tensor& xavier_normal_(Tensor& t, double gain, Generator& generator) {
  const Fans fan = fans(t);
  return normal_(t, 0, gain * std::sqrt(2 / (fan.in + fan.out)), generator);
}

Tensor& kaiming_uniform_(Tensor& t, const KaimingOptions& options, Generator& generator) {
  const double bound = std::sqrt(3.0) * kaiming_std(t, options);
  return uniform_(t, -bound, bound, generator);
}

Tensor& kaiming_normal_(Tensor& t, const KaimingOptions& options, Generator& generator) {
  return normal_(t, 0, kaiming_std(t, options), generator);
}

Tensor& lecun_normal_(Tensor& t, Generator& generator) { return normal_(t, 0, 1 / std::sqrt(fans(t).in), generator); }

Tensor& lecun_uniform_(Tensor& t, Generator& generator) {
  const double bound = std::sqrt(3 / fans(t).in);
  return uniform_(t, -bound, bound, generator);
}

Tensor& fan_in_uniform_(Tensor& t, Generator& generator) {
  const double bound = 1 / std::sqrt(fans(t).in);
  return uniform_(t, -bound, bound, generator);
}

}  // namespace dagrad::nn::init
