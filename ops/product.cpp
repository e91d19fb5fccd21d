#include "dagrad/ops/product.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/narrow_matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

void check(const char* op, const Tensor& a, const Tensor& b, bool fits, const char* want) {
  if (!fits)
    throw ShapeError(
        fmt::format("{}: the operands are {} and {} (want {})", op, a.shape().str(), b.shape().str(), want));
}

struct Dot {
  static constexpr std::string_view name = "dot";

  Spec infer(const Tensor& a, const Tensor&) const { return {{}, a.dtype()}; }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    const Tensor x = contiguous_data(a), y = contiguous_data(b);
    switch (dst.dtype()) {
      case DType::f32:
        *dst.mutable_data<float>() = narrow_matmul::dot(x.data<float>(), y.data<float>(), x.numel());
        break;
      case DType::f64: *dst.mutable_data<double>() = in_order<double>(x, y); break;
      // Unsigned, so that overflow wraps.
      default:
        *dst.mutable_data<std::int64_t>() = static_cast<std::int64_t>(in_order<std::uint64_t, std::int64_t>(x, y));
    }
    ctx.save(b.requires_grad() ? a : Tensor());
    ctx.save(a.requires_grad() ? b : Tensor());
  }
  // diff_a = diff_dst b, diff_b = diff_dst a
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, diff_dst * ctx.saved(1));
    if (ctx.needs(1)) ctx.give(1, diff_dst * ctx.saved(0));
  }

 private:
  template <class Sum, class T = Sum>
  static Sum in_order(const Tensor& x, const Tensor& y) {
    Sum sum = 0;
    for (std::int64_t i = 0; i < x.numel(); ++i)
      sum += static_cast<Sum>(x.data<T>()[i]) * static_cast<Sum>(y.data<T>()[i]);
    return sum;
  }
};

}  // namespace

Tensor bmm(const Tensor& a, const Tensor& b, Location where) {
  const bool fits = a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0) && a.size(2) == b.size(1);
  check("bmm", a, b, fits, "[B, M, K] and [B, K, N]");
  return matmul(a, b, where);
}

Tensor mv(const Tensor& matrix, const Tensor& vector, Location where) {
  const bool fits = matrix.dim() == 2 && vector.dim() == 1 && matrix.size(1) == vector.size(0);
  check("mv", matrix, vector, fits, "[M, K] and [K]");
  return matmul(matrix, vector, where);
}

Tensor dot(const Tensor& a, const Tensor& b, Location where) {
  check("dot", a, b, a.dim() == 1 && b.dim() == 1 && a.size(0) == b.size(0), "two vectors of one length");
  const bool of_one_type = a.dtype() == b.dtype();
  const bool by_loops = a.dtype() == f32 || a.dtype() == f64 || a.dtype() == i64;  // bf16 would round each product
  return of_one_type && by_loops ? apply(Dot{}, where, a, b) : matmul(a, b, where);
}

Tensor outer(const Tensor& a, const Tensor& b, Location where) {
  check("outer", a, b, a.dim() == 1 && b.dim() == 1, "two vectors");
  return mul(unsqueeze(a, 1, where), b, where);
}

}  // namespace dagrad
