#include "dagrad/core/cast.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/op.h"

namespace dagrad {
namespace {

struct Cast {
  static constexpr std::string_view name = "cast";
  DType dtype;
  std::string attributes() const { return fmt::format("dtype={}", name_of(dtype)); }
  Spec infer(const Tensor& src) const { return {src.shape(), dtype, src.format()}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { copy_elements(src, dst); }
  // diff_src = diff_dst in src's type
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, cast(diff_dst, ctx.input_dtype(0), Location::current()));
  }
};

}  // namespace

Tensor cast(const Tensor& src, DType dtype, Location where) {
  return src.dtype() == dtype ? src : apply(Cast{dtype}, where, src);
}

}  // namespace dagrad
