// Functions of one element as rows of a table: an op each, in a line or two. Internal.
#pragma once

#include <string_view>

#include "dagrad/ops/pointwise_op.h"

namespace dagrad::pointwise {

/// An op of one input whose gradient follows from diff_dst and one tensor that the forward keeps. The comment above a
/// row states the gradient; the op reference shows it.
struct Row {
  std::string_view name;
  Unary function;
  Keep keep;  // src or dst
  Tensor (*gradient)(const Tensor& diff_dst, const Tensor& kept);
  AutocastRule autocast = AutocastRule::none;
};

template <const Row& kRow>
struct RowOp : UnaryOp<RowOp<kRow>, kRow.function, kRow.keep> {
  static constexpr std::string_view name = kRow.name;
  static constexpr AutocastRule autocast = kRow.autocast;
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, kRow.gradient(diff_dst, ctx.saved(0))); }
};

template <const Row& kRow>
Tensor apply_row(const Tensor& x, Location where) {
  return apply(RowOp<kRow>{}, where, x);
}

}  // namespace dagrad::pointwise
