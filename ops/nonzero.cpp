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

/// Calls f(which, position in row-major order) for the `count` true elements. Without a branch on the mask: where that
/// is random, a mispredicted branch costs more than ten elements.
template <class Write>
void for_true(const Tensor& row_major, std::int64_t count, const Write& write) {
  const bool* mask = row_major.data<bool>();
  for (std::int64_t i = 0, k = 0; k < count; ++i) {
    write(k, i);
    k += mask[i] ? 1 : 0;
  }
}

struct Nonzero {
  static constexpr std::string_view name = "nonzero";
  Tensor mask;

  Spec infer(const Tensor& src) const { return {{count_true(mask), src.dim()}, i64}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const std::int64_t count = dst.size(0);
    const int rank = src.dim();
    std::int64_t* const to = dst.mutable_data<std::int64_t>();
    // First each position as one number, in the last column; then taken apart.
    for_true(mask, count, [=](std::int64_t k, std::int64_t i) { to[k * rank + rank - 1] = i; });
    for (std::int64_t k = 0; k < count && rank > 1; ++k) {
      std::int64_t rest = to[k * rank + rank - 1];
      for (int axis = rank - 1; axis >= 0; --axis) {
        to[k * rank + axis] = rest % src.shape()[axis];
        rest /= src.shape()[axis];
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
  for_true(chosen, positions.numel(), [to](std::int64_t k, std::int64_t i) { to[k] = i; });
  return index_select(reshape(expand(src, shape, at), {checked_numel("masked_select", shape)}, at), 0, positions, at);
}

}  // namespace dagrad
