// Changing samples at random, so that a model learns what does not matter.
#pragma once

#include <vector>

#include "dagrad/nn/data/data_loader.h"

namespace dagrad::data {

/// What may happen to an image. Each change is drawn anew for each image; 0 leaves it out.
struct ImageChanges {
  double shift = 0;              ///< up to this share of its size along either axis, by parts of pixels
  bool flip_horizontal = false;  ///< mirrored left to right, with probability 1/2
  bool flip_vertical = false;
  double scale = 0;       ///< by a factor in [1 / (1 + scale), 1 + scale], evenly in its logarithm
  double rotate = 0;      ///< up to so many degrees either way
  double fill = 0;        ///< the value of pixels that come in from outside
  double noise = 0;       ///< standard deviation of what is added to each pixel
  double brightness = 0;  ///< adds up to this to all pixels, either way
  double contrast = 0;    ///< multiplies the distance from the image's mean by a factor in [1 - c, 1 + c]
  double saturation = 0;  ///< the same for the distance from grey; images of 3 channels alone
};

/// A transform for batches of images [B, C, H, W] (f32): shift, flip, scale and rotation in one go with bilinear
/// interpolation, then brightness, contrast, saturation and noise. Labels stay. Values are not held to any range. The
/// transform throws ShapeError for other features. Throws UsageError for options below 0, contrast or saturation above
/// 1.
Transform augment_images(const ImageChanges& changes);

/// Adds N(0, deviation^2) to every feature.
Transform add_noise(double deviation);

/// Mixes each sample with another of its batch (Zhang et al. 2018): features and labels become
/// lambda a + (1 - lambda) b, with lambda from Beta(alpha, alpha), one for the batch. Class labels become probabilities
/// [B, classes], as cross_entropy takes them; classes = 0 is for labels that are numbers. Throws UsageError unless
/// alpha > 0.
Transform mixup(std::int64_t classes, double alpha = 0.2);

/// The transforms one after the other, each with a stream of chance of its own.
Transform compose(std::vector<Transform> transforms);

/// A draw from Beta(a, b), by gamma variates (Marsaglia and Tsang 2000).
double next_beta(Generator& generator, double a, double b);

}  // namespace dagrad::data
