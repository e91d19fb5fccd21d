// Sums, products, extrema and the like over any axes. Internal.
#pragma once

#include <functional>

#include "dagrad/ops/axis_set.h"
#include "dagrad/ops/fold_kernels.h"

namespace dagrad::fold {

/// Takes the result at a position, in row-major order of the results; called from several threads.
using Take = std::function<void(std::int64_t at, double result)>;
using TakeInteger = std::function<void(std::int64_t at, std::int64_t result)>;

/// Folds f32, bf16 (in f32) or f64. `c` has a number for each result, or is null for kinds that want none.
void fold(Kind kind, const Tensor& src, AxisSet axes, const double* c, const Take& take);
/// Folds integers or booleans as i64.
void fold_integers(Kind kind, const Tensor& src, AxisSet axes, const TakeInteger& take);

/// The fold of any type written to dst, converted to its type.
void fold_into(Kind kind, const Tensor& src, AxisSet axes, Tensor& dst);

/// Writes numbers, computed in f64, as elements of dst: bf16 by way of f32.
class Writer {
 public:
  explicit Writer(Tensor& dst) : data_(dst.mutable_raw_data()), dtype_(dst.dtype()) {}
  void operator()(std::int64_t at, double value) const;

 private:
  void* data_;
  DType dtype_;
};

}  // namespace dagrad::fold
