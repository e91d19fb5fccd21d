// What the elementwise ops share. Internal.
#pragma once

#include <optional>

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/pointwise.h"

namespace dagrad::pointwise {

/// Throws DTypeError unless the type is floating (or i64, where that will do).
void check_type(std::string_view op, DType dtype, bool integers_too);

/// Throws DTypeError unless a tensor of this type can meet the number: integers meet whole ones of 64 bits.
void check_number(std::string_view op, double number, DType dtype);

/// The broadcast shape of two operands of one type.
Spec infer_binary(std::string_view op, const Tensor& a, const Tensor& b, bool integers_too);

/// The spec of a backward, whose operands have one shape and type.
Spec infer_backward(std::string_view op, const Tensor& diff_dst, const Tensor& kept);

/// Whether a primitive beats the inlined loop from `t` to `dst`, which lies as it does.
bool large(const Tensor& t, const Tensor& dst);

/// What a forward keeps for its backward.
enum class Keep { nothing, src, dst };

/// What the ops of one input share. `Derived` adds a name, a backward and, where there is one that can be trusted, the
/// oneDNN primitive for large tensors.
template <class Derived, Unary kFunction, Keep kKeep, bool kIntegersToo = false>
struct UnaryOp {
  static constexpr std::optional<onednn::Eltwise> primitive = std::nullopt;
  Numbers numbers() const { return {}; }

  Spec infer(const Tensor& src) const {
    check_type(Derived::name, src.dtype(), kIntegersToo);
    return src.spec_with_format();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    if (Derived::primitive && large(src, dst))
      onednn::eltwise(*Derived::primitive, src, dst);
    else
      unary(kFunction, src, dst, static_cast<const Derived&>(*this).numbers());
    if constexpr (kKeep == Keep::src) ctx.save(src);
    if constexpr (kKeep == Keep::dst) ctx.save(dst);
  }
};

/// What the backwards share that are ops of their own: diff_src = kFunction(diff_dst, what the forward kept).
template <class Derived, Binary kFunction>
struct FromForward {
  Numbers numbers() const { return {}; }

  Spec infer(const Tensor& diff_dst, const Tensor& kept) const { return infer_backward(Derived::name, diff_dst, kept); }
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& kept, Tensor& diff_src) const {
    binary(kFunction, diff_dst, kept, diff_src, static_cast<const Derived&>(*this).numbers());
    ctx.save(diff_dst);
    ctx.save(kept);
  }
};

}  // namespace dagrad::pointwise
