// One tensor as several views.
#pragma once

#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Views of `size` positions of `axis` each; the last has what is left. Throws ShapeError when size < 1.
std::vector<Tensor> split(const Tensor& src, std::int64_t size, std::int64_t axis = 0,
                          Location where = Location::current());
/// Views of sizes[0], sizes[1], ... positions of `axis`. Throws ShapeError unless they add up to its size.
std::vector<Tensor> split(const Tensor& src, const std::vector<std::int64_t>& sizes, std::int64_t axis = 0,
                          Location where = Location::current());
/// At most `chunks` views along `axis`, all of the same size but the last, which may be smaller.
std::vector<Tensor> chunk(const Tensor& src, std::int64_t chunks, std::int64_t axis = 0,
                          Location where = Location::current());
/// A view of each position of `axis`, which is dropped.
std::vector<Tensor> unbind(const Tensor& src, std::int64_t axis = 0, Location where = Location::current());

}  // namespace dagrad
