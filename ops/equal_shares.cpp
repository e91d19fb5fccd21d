#include "dagrad/ops/equal_shares.h"

#include "dagrad/ops/comparison.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {

Tensor equal_shares(const OverAxes& over, const Tensor& diff_dst, const Tensor& src, const Tensor& dst) {
  const Tensor equal = to(eq(src, over.aligned(dst, src.shape())), src.dtype());
  return equal * (over.aligned(diff_dst, src.shape()) / sum_to(equal, over.axes.kept(src.shape())));
}

}  // namespace dagrad
