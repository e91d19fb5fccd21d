#include "dagrad/ops/meshgrid.h"

#include <fmt/format.h>
#include <utility>

#include "dagrad/core/error.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

void check(const std::vector<Tensor>& sides) {
  if (sides.empty()) throw UsageError("meshgrid: no sides (want at least one)");
  if (sides.size() > static_cast<std::size_t>(kMaxRank)) {
    throw ShapeError(fmt::format("meshgrid: {} sides (want at most {})", sides.size(), kMaxRank));
  }
  for (std::size_t k = 0; k < sides.size(); ++k) {
    if (sides[k].dim() > 1)
      throw ShapeError(fmt::format("meshgrid: side {} is {} (want a vector)", k, sides[k].shape().str()));
    if (sides[k].dtype() != sides[0].dtype()) {
      throw DTypeError(fmt::format("meshgrid: side {} is {}, the first is {} (want one type)", k,
                                   name_of(sides[k].dtype()), name_of(sides[0].dtype())));
    }
  }
}

}  // namespace

std::vector<Tensor> meshgrid(const std::vector<Tensor>& sides, Indexing indexing, Location where) {
  check(sides);
  const int rank = static_cast<int>(sides.size());
  // The axis of the results that a side runs along.
  const auto axis_of = [&](int side) { return indexing == Indexing::xy && rank > 1 && side < 2 ? 1 - side : side; };
  Shape grid = Shape::filled(rank, 1);
  for (int side = 0; side < rank; ++side) grid[axis_of(side)] = sides[static_cast<std::size_t>(side)].numel();
  std::vector<Tensor> results;
  results.reserve(sides.size());
  for (int side = 0; side < rank; ++side) {
    Shape along = Shape::filled(rank, 1);
    along[axis_of(side)] = grid[axis_of(side)];
    results.push_back(expand(reshape(sides[static_cast<std::size_t>(side)], along, where), grid, where));
  }
  return results;
}

}  // namespace dagrad
