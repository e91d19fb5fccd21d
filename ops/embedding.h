// Rows of a table by number, and numbers as rows.
#pragma once

#include <optional>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

struct EmbeddingOptions {
  /// A row whose gradient is 0, from the end when negative.
  std::optional<std::int64_t> padding_idx = {};
};

/// dst[..., :] = weights[index[...], :] for weights [V, D] of any type and indices (i64) of any shape: the result has
/// the index's shape and one more axis of size D. The gradient of a row is the sum of those of the places where it is
/// used, in their order on any number of threads; that of row `padding_idx` is 0. Throws UsageError that names an index
/// outside [0, V) and its position, or a padding_idx outside [-V, V); ShapeError, DTypeError.
Tensor embedding(const Tensor& weights, const Tensor& index, const EmbeddingOptions& options = {},
                 Location where = Location::current());

/// dst[..., c] = 1 where index[...] is c, else 0, with `classes` as the size of the new last axis; -1 means the largest
/// index and one. `dtype` is that of the result (PyTorch's is i64). It has no gradient. Throws UsageError that names
/// an index outside [0, classes) and its position, DTypeError unless index is i64.
Tensor one_hot(const Tensor& index, std::int64_t classes = -1, DType dtype = f32, Location where = Location::current());

}  // namespace dagrad
