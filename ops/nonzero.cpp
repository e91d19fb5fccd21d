#include "dagrad/ops/nonzero.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// Row-major booleans: which elements are not 0.
Tensor as_booleans(const Tensor& src) {
  if (src.dtype() == boolean) return contiguous_data(src);
  Tensor result = Tensor::allocate({src.shape(), boolean});
  copy_elements(src, result);
  return result;
}

std::int64_t count_true(const Tensor& row_major) {
  const bool* begin = row_major.data<bool>();
  return std::count(begin, begin + row_major.numel(), true);
}

/// Calls write(which, i) for each true element i of `mask`, `which` counting from `first` to `last` at most, and
/// perhaps once more with the next number before that is known. Returns the next number. Without a branch on the mask:
/// where that is random, a mispredicted branch costs more than ten elements.
template <class Write>
std::int64_t for_true(const bool* mask, std::int64_t length, std::int64_t first, std::int64_t last,
                      const Write& write) {
  std::int64_t which = first;
  for (std::int64_t i = 0; i < length && which < last; ++i) {
    write(which, i);
    which += mask[i] ? 1 : 0;
  }
  return which;
}

struct Nonzero {
  static constexpr std::string_view name = "nonzero";
  Tensor mask;

  Spec infer(const Tensor& src) const { return {{count_true(mask), src.dim()}, i64}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const int rank = src.dim();
    const std::int64_t count = dst.size(0), length = src.shape().back();
    std::int64_t* const to = dst.mutable_data<std::int64_t>();
    Shape row = src.shape();  // the position of a row: all components but the last
    for (std::int64_t& component : row) component = 0;
    const bool* row_mask = mask.data<bool>();
    for (std::int64_t k = 0; k < count; row_mask += length) {
      const std::int64_t begin = k;
      k = for_true(row_mask, length, k, count,
                   [=](std::int64_t which, std::int64_t j) { to[which * rank + rank - 1] = j; });
      for (std::int64_t which = begin; which < k; ++which) {
        for (int axis = 0; axis < rank - 1; ++axis) to[which * rank + axis] = row[axis];
      }
      for (int axis = rank - 2; axis >= 0; --axis) {
        if (++row[axis] < src.shape()[axis]) break;
        row[axis] = 0;
      }
    }
  }
};

}  // namespace

Tensor nonzero(const Tensor& src, Location where) { return apply(Nonzero{as_booleans(src)}, where, src); }

Tensor masked_select(const Tensor& src, const Tensor& mask, Location at) {
  if (mask.dtype() != boolean)
    throw DTypeError(fmt::format("masked_select: mask is {} (want bool)", name_of(mask.dtype())));
  const Shape shape = broadcast_shapes("masked_select", src.shape(), mask.shape());
  const Tensor chosen = contiguous_data(expand(mask, shape, at));
  Tensor positions = Tensor::allocate({{count_true(chosen)}, i64});
  std::int64_t* const to = positions.mutable_data<std::int64_t>();
  for_true(chosen.data<bool>(), chosen.numel(), 0, positions.numel(),
           [to](std::int64_t which, std::int64_t i) { to[which] = i; });
  return index_select(reshape(expand(src, shape, at), {checked_numel("masked_select", shape)}, at), 0, positions, at);
}

}  // namespace dagrad
