#include "dagrad/core/overlap.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

namespace dagrad {
namespace {

/// Offsets of the first and last element in the storage, in bytes.
struct Extent {
  std::int64_t first, last;
};

Extent extent_of(const Tensor& t) {
  const auto item = static_cast<std::int64_t>(item_size(t.dtype()));
  Extent extent{t.offset() * item, t.offset() * item + item - 1};
  for (int axis = 0; axis < t.dim(); ++axis) {
    const std::int64_t reach = (t.shape()[axis] - 1) * t.strides()[axis] * item;
    (reach < 0 ? extent.first : extent.last) += reach;
  }
  return extent;
}

}  // namespace

bool share_memory(const Tensor& a, const Tensor& b) {
  if (a.numel() == 0 || b.numel() == 0 || a.storage() != b.storage()) return false;
  const Extent x = extent_of(a), y = extent_of(b);
  return x.first <= y.last && y.first <= x.last;
}

bool overlaps_itself(const Tensor& t) {
  if (t.is_contiguous()) return false;
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;  // stride, size
  for (int axis = 0; axis < t.dim(); ++axis) {
    if (t.shape()[axis] == 0) return false;
    if (t.shape()[axis] > 1) axes.emplace_back(std::abs(t.strides()[axis]), t.shape()[axis]);
  }
  std::sort(axes.begin(), axes.end());
  std::int64_t reach = 0;
  for (const auto& [stride, size] : axes) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

}  // namespace dagrad
