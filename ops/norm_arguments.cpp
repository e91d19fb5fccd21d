#include "dagrad/ops/norm_arguments.h"

#include <fmt/format.h>
#include <type_traits>
#include <utility>

#include "dagrad/core/checkpoint.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"

namespace dagrad {

void check_norm_source(std::string_view op, const Tensor& src) {
  if (!is_floating(src.dtype()))
    throw DTypeError(fmt::format("{}: src is {} (want f32, bf16 or f64)", op, name_of(src.dtype())));
}

void check_norm_eps(std::string_view op, double eps) {
  if (!(eps >= 0)) throw UsageError(fmt::format("{}: eps is {} (want at least 0)", op, eps));
}

void check_norm_parameter(std::string_view op, std::string_view name, const Tensor& t, const Tensor& src,
                          const Shape& shape, std::string_view what) {
  if (!t.defined()) return;
  if (t.shape() != shape)
    throw ShapeError(fmt::format("{}: {} is {} (want {}, {})", op, name, t.shape().str(), shape.str(), what));
  if (t.dtype() == src.dtype() || (src.dtype() == bf16 && t.dtype() == f32)) return;
  throw DTypeError(fmt::format("{}: {} is {}, src is {} (want {}{})", op, name, name_of(t.dtype()),
                               name_of(src.dtype()), name_of(src.dtype()), src.dtype() == bf16 ? " or f32" : ""));
}

Tensor as_norm_type(const Tensor& t, DType dtype, Format format) {
  if (!t.defined()) return t;
  if (t.dtype() == dtype) return format == Format::channels_last ? channels_last_data(t) : contiguous_data(t);
  Tensor copy = Tensor::allocate({t.shape(), dtype, format});
  copy_elements(t, copy);
  return copy;
}

Tensor norm_result(const Tensor& dst, DType dtype) {
  return dst.dtype() == dtype ? dst : Tensor::allocate({dst.shape(), dtype, dst.format()});
}

void finish_norm_result(const Tensor& result, Tensor& dst) {
  if (!result.is_same(dst)) copy_elements(result, dst);
}

void update_running(std::string_view op, const Tensor& running, const Tensor& batch, double momentum, double factor) {
  if (!running.defined() || recomputing()) return;
  Tensor mixed = Tensor::allocate(batch.spec());
  copy_elements(running, mixed);
  visit_dtype(batch.dtype(), [&]<class T>(T) {
    if constexpr (std::is_floating_point_v<T>) {
      const T keep = static_cast<T>(1 - momentum), share = static_cast<T>(momentum * factor);
      const T* from = batch.data<T>();
      T* to = mixed.mutable_data<T>();
      for (std::int64_t i = 0; i < batch.numel(); ++i) to[i] = keep * to[i] + share * from[i];
    }
  });
  Tensor in_place = running;
  in_place.copy_(mixed).note_in_place(op);
}

void check_norm_running(std::string_view op, const Tensor& running_mean, const Tensor& running_var, double momentum) {
  if (!(momentum >= 0 && momentum <= 1))
    throw UsageError(fmt::format("{}: momentum is {} (want 0 to 1)", op, momentum));
  for (const auto& [t, what] : {std::pair(&running_mean, "running_mean"), std::pair(&running_var, "running_var")}) {
    if (t->requires_grad())
      throw UsageError(fmt::format("{}: {} requires a gradient, which it cannot get (want a constant)", op, what));
  }
}

}  // namespace dagrad
