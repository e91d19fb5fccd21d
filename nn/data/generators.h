// Small made-up problems. Sample i depends on the seed and on i alone, so a larger set begins with the smaller one.
// Classes take turns: sample i is of class i mod classes.
#pragma once

#include <cstdint>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

struct PlaneOptions {
  double noise = 0;  ///< standard deviation of what is added to each coordinate
  std::uint64_t seed = 0;
};

/// The four corners of the unit square in turn, (0, 0), (1, 1), (0, 1), (1, 0), with label a xor b: 2 classes that no
/// line parts.
Dataset xor_corners(std::int64_t count = 4, const PlaneOptions& options = {});

struct SpiralOptions {
  std::int64_t arms = 2;  ///< one class each
  double turns = 1.5;
  double noise = 0;
  std::uint64_t seed = 0;
};
/// Spirals about each other from near the centre out to radius 1, points evenly along the radius at random.
Dataset spirals(std::int64_t count, const SpiralOptions& options = {});

/// Two half circles of radius 1 that reach into each other (scikit-learn's make_moons).
Dataset moons(std::int64_t count, const PlaneOptions& options = {});

struct CirclesOptions {
  double factor = 0.8;  ///< radius of the inner circle, which is class 1; that of the outer one is 1
  double noise = 0;
  std::uint64_t seed = 0;
};
/// Two circles about the origin (scikit-learn's make_circles). Throws UsageError unless 0 <= factor < 1.
Dataset circles(std::int64_t count, const CirclesOptions& options = {});

struct BlobOptions {
  std::int64_t classes = 3;
  std::int64_t features = 2;
  double deviation = 1;
  double box = 10;  ///< the centres lie in [-box, box] along each axis
  std::uint64_t seed = 0;
};
/// A normal distribution about a random centre for each class (scikit-learn's make_blobs).
Dataset blobs(std::int64_t count, const BlobOptions& options = {});

struct RegressionOptions {
  std::int64_t features = 10;
  std::int64_t informative = 10;  ///< how many of them the target depends on
  std::int64_t targets = 1;
  double bias = 0;
  double noise = 0;
  std::uint64_t seed = 0;
};
/// Numbers to learn, and what they were made with.
struct RegressionProblem {
  Dataset dataset;      ///< features from N(0, 1); labels [N] or, of several targets, [N, targets]
  Tensor coefficients;  ///< [features, targets], from U[0, 100), zero for what does not matter
};
/// features coefficients + bias + noise (scikit-learn's make_regression).
RegressionProblem regression(std::int64_t count, const RegressionOptions& options = {});

}  // namespace dagrad::data
