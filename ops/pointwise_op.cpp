#include "dagrad/ops/pointwise_op.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/pointwise_trace.h"

namespace dagrad::pointwise {
namespace {

// From here on the primitive's own code beats the inlined loop, or is level with it (tanh; the binary ops from 64k on):
// bench_ops shows both.
constexpr std::int64_t kPrimitiveFrom = 4 << 10;  // elements

}  // namespace

bool large(const Tensor& t, const Tensor& dst) {
  if (detail::trace != nullptr) return false;
  return t.numel() >= kPrimitiveFrom && (t.dtype() == f32 || t.dtype() == bf16) &&
         ((t.is_contiguous() && dst.is_contiguous()) || (t.is_channels_last() && dst.is_channels_last()));
}

void check_type(std::string_view op, DType dtype, bool integers_too) {
  if (is_floating(dtype) || (integers_too && dtype == i64)) return;
  throw DTypeError(fmt::format("{}: {} (want f32, bf16{} f64)", op, name_of(dtype), integers_too ? ", i64 or" : " or"));
}

void check_number(std::string_view op, double number, DType dtype) {
  if (is_floating(dtype) || (number == std::trunc(number) && std::fabs(number) < 0x1p63)) return;
  throw DTypeError(fmt::format("{}: {} with a tensor of {} (want a whole number, or a floating tensor: cast with to())",
                               op, number, name_of(dtype)));
}

Spec infer_binary(std::string_view op, const Tensor& a, const Tensor& b, bool integers_too) {
  if (a.dtype() != b.dtype()) {
    throw DTypeError(fmt::format("{}: element types differ: {} and {} (want one type; cast with to())", op,
                                 name_of(a.dtype()), name_of(b.dtype())));
  }
  check_type(op, a.dtype(), integers_too);
  const bool same = a.shape() == b.shape();
  Spec spec{same ? a.shape() : broadcast_shapes(op, a.shape(), b.shape()), a.dtype()};
  // The result lies as the operands do that have its shape; channels-last where they disagree.
  const auto lies = [&](const Tensor& t) {
    return !t.is_contiguous() && (same || t.shape() == spec.shape) ? t.format() : Format::row_major;
  };
  if (lies(a) == Format::channels_last || lies(b) == Format::channels_last) spec.format = Format::channels_last;
  return spec;
}

Spec infer_backward(std::string_view op, const Tensor& diff_dst, const Tensor& kept) {
  if (diff_dst.shape() != kept.shape()) {
    throw ShapeError(fmt::format("{}: shapes differ: diff_dst is {}, the forward's tensor is {} (want equal shapes)",
                                 op, diff_dst.shape().str(), kept.shape().str()));
  }
  return infer_binary(op, diff_dst, kept, false);
}

}  // namespace dagrad::pointwise
