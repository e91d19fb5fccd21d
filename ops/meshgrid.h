// Coordinates of grids.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Which axis of a grid the first of its sides runs along: the first (rows and columns of a matrix), or the second
/// (x and y of a picture).
enum class Indexing : std::uint8_t { ij, xy };

/// Result k has sides[k][i_k] at position (i_0, i_1, ...) of the grid that the sides span, each a vector or a single
/// number: shape [sides[0].numel(), sides[1].numel(), ...]. With `xy` the first two axes of the results are exchanged.
/// The results are views; a side's gradient is the sum over the other axes. As torch.meshgrid. Throws UsageError for no
/// sides, ShapeError, and DTypeError where the types differ.
std::vector<Tensor> meshgrid(const std::vector<Tensor>& sides, Indexing indexing = Indexing::ij,
                             Location where = Location::current());

}  // namespace dagrad
