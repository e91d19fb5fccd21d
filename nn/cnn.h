// Convolutional networks for images in one line.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/core/shape.h"
#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/init_kind.h"
#include "dagrad/nn/norm_kind.h"
#include "dagrad/nn/sequential.h"

namespace dagrad::nn {

enum class PoolKind : std::uint8_t { none, max, avg };
/// What becomes of the last block's [N, C, H, W]: the mean of each channel, or all elements in a row.
enum class CnnHead : std::uint8_t { global_average, flatten };

struct CnnOptions {
  std::int64_t kernel = 3;        ///< an odd one keeps the image's size
  std::int64_t convolutions = 1;  ///< of each block, with norm and activation each
  ActivationKind activation = ActivationKind::relu;
  NormKind norm = NormKind::none;
  NormPlace norm_place = NormPlace::before_activation;
  std::int64_t groups = 4;  ///< of NormKind::group
  PoolKind pool = PoolKind::max;
  std::int64_t pool_size = 2;  ///< its windows, and the steps between them
  CnnHead head = CnnHead::flatten;
  std::vector<std::int64_t> hidden = {};  ///< widths of linear layers before the last, with an activation each
  double dropout = 0;                     ///< before each linear layer
  double channel_dropout = 0;             ///< behind each block, of whole channels (Dropout2d)
  WeightInit init = InitKind::standard;
};

/// A classifier of images [N, C, H, W], `image` being [C, H, W]: for each of `channels` a block of convolutions, norm,
/// activation and pooling, then linear layers: `cnn({1, 28, 28}, {16, 32}, 10, {.norm = NormKind::batch})`. Throws
/// UsageError for options that do not fit together, ShapeError for an image that is pooled away.
Sequential cnn(const Shape& image, const std::vector<std::int64_t>& channels, std::int64_t classes,
               const CnnOptions& options = {});

}  // namespace dagrad::nn
