#include "dagrad/nn/data/generators.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <string_view>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/next_normal.h"

namespace dagrad::data {
namespace {

/// `count` samples of `features` numbers, in turn from each class: `point(i, label, generator, row)` fills row i.
template <class Point>
Dataset make(std::string_view name, std::int64_t count, std::int64_t features, std::int64_t classes, std::uint64_t seed,
             const Point& point) {
  if (count < 0) throw UsageError(fmt::format("{}: {} samples (want at least 0)", name, count));
  if (features < 1 || classes < 1)
    throw UsageError(fmt::format("{}: {} features, {} classes (want both at least 1)", name, features, classes));
  Dataset dataset{empty({count, features}), empty({count}, i64), classes};
  float* row = dataset.features.mutable_data<float>();
  std::int64_t* const labels = dataset.labels.mutable_data<std::int64_t>();
  const Generator source(seed);
  for (std::int64_t i = 0; i < count; ++i, row += features) {
    Generator generator = source.fork(static_cast<std::uint64_t>(i));
    labels[i] = i % classes;
    point(i, labels[i], generator, row);
  }
  return dataset;
}

/// A point of the plane with noise.
void put(float* row, double x, double y, double noise, Generator& generator) {
  row[0] = static_cast<float>(x + noise * next_normal(generator));
  row[1] = static_cast<float>(y + noise * next_normal(generator));
}

}  // namespace

Dataset xor_corners(std::int64_t count, const PlaneOptions& options) {
  return make("xor_corners", count, 2, 2, options.seed,
              [&](std::int64_t i, std::int64_t label, Generator& generator, float* row) {
                const int a = i / 2 % 2 == 0 ? 0 : 1, b = label == 0 ? a : 1 - a;
                put(row, a, b, options.noise, generator);
              });
}

Dataset spirals(std::int64_t count, const SpiralOptions& options) {
  return make("spirals", count, 2, options.arms, options.seed,
              [&](std::int64_t, std::int64_t label, Generator& generator, float* row) {
                const double radius = 0.05 + 0.95 * generator.next_uniform();
                const double angle =
                    2 * std::numbers::pi *
                    (options.turns * radius + static_cast<double>(label) / static_cast<double>(options.arms));
                put(row, radius * std::cos(angle), radius * std::sin(angle), options.noise, generator);
              });
}

Dataset moons(std::int64_t count, const PlaneOptions& options) {
  return make("moons", count, 2, 2, options.seed,
              [&](std::int64_t, std::int64_t label, Generator& generator, float* row) {
                const double angle = std::numbers::pi * generator.next_uniform();
                const double x = std::cos(angle), y = std::sin(angle);
                if (label == 0) {
                  put(row, x, y, options.noise, generator);
                } else {
                  put(row, 1 - x, 0.5 - y, options.noise, generator);
                }
              });
}

Dataset circles(std::int64_t count, const CirclesOptions& options) {
  if (!(options.factor >= 0 && options.factor < 1))
    throw UsageError(fmt::format("circles: factor is {} (want 0 <= factor < 1)", options.factor));
  return make("circles", count, 2, 2, options.seed,
              [&](std::int64_t, std::int64_t label, Generator& generator, float* row) {
                const double angle = 2 * std::numbers::pi * generator.next_uniform();
                const double radius = label == 0 ? 1 : options.factor;
                put(row, radius * std::cos(angle), radius * std::sin(angle), options.noise, generator);
              });
}

Dataset blobs(std::int64_t count, const BlobOptions& options) {
  // The centres are a stream of their own, far from those of the samples.
  const Generator centres = Generator(options.seed).fork(~std::uint64_t{0});
  return make("blobs", count, options.features, options.classes, options.seed,
              [&](std::int64_t, std::int64_t label, Generator& generator, float* row) {
                Generator centre = centres.fork(static_cast<std::uint64_t>(label));
                for (std::int64_t k = 0; k < options.features; ++k) {
                  const double middle = options.box * (2 * centre.next_uniform() - 1);
                  row[k] = static_cast<float>(middle + options.deviation * next_normal(generator));
                }
              });
}

RegressionProblem regression(std::int64_t count, const RegressionOptions& options) {
  if (options.targets < 1 || options.informative < 0 || options.informative > options.features) {
    throw UsageError(fmt::format("regression: {} of {} features, {} targets (want at most all, and a target)",
                                 options.informative, options.features, options.targets));
  }
  RegressionProblem problem;
  problem.coefficients = zeros({options.features, options.targets});
  float* const coefficients = problem.coefficients.mutable_data<float>();
  Generator draws = Generator(options.seed).fork(~std::uint64_t{0});
  const Tensor order = randperm(options.features, draws);
  for (std::int64_t k = 0; k < options.informative; ++k) {
    for (std::int64_t t = 0; t < options.targets; ++t)
      coefficients[order.data<std::int64_t>()[k] * options.targets + t] =
          static_cast<float>(100 * draws.next_uniform());
  }
  Tensor labels = options.targets == 1 ? empty({count}) : empty({count, options.targets});
  float* label = labels.mutable_data<float>();
  problem.dataset =
      make("regression", count, options.features, 1, options.seed,
           [&](std::int64_t, std::int64_t, Generator& generator, float* row) {
             for (std::int64_t k = 0; k < options.features; ++k) row[k] = static_cast<float>(next_normal(generator));
             for (std::int64_t t = 0; t < options.targets; ++t) {
               double sum = options.bias + options.noise * next_normal(generator);
               for (std::int64_t k = 0; k < options.features; ++k)
                 sum += static_cast<double>(row[k]) * static_cast<double>(coefficients[k * options.targets + t]);
               *label++ = static_cast<float>(sum);
             }
           });
  problem.dataset.labels = labels;
  problem.dataset.classes = 0;
  return problem;
}

}  // namespace dagrad::data
