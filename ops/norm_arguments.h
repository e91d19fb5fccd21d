// Arguments of the normalizations: their checks, and their elements in the type that is computed in. Internal.
#pragma once

#include <string_view>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// What a normalization computes in: f64 for f64, else f32.
inline DType norm_type(const Tensor& src) { return src.dtype() == f64 ? f64 : f32; }

/// Throws DTypeError unless `src` is of a floating type.
void check_norm_source(std::string_view op, const Tensor& src);

/// Throws UsageError unless eps >= 0.
void check_norm_eps(std::string_view op, double eps);

/// A weight, bias or running estimate: undefined, or of `shape` and of src's type (or f32 for a bf16 src). `what` says
/// what the shape is, as in "weight is [3] (want [4], <what>)".
void check_norm_parameter(std::string_view op, std::string_view name, const Tensor& t, const Tensor& src,
                          const Shape& shape, std::string_view what);

/// The type of the gradients of the parameters.
inline DType parameter_type(const Tensor& src, const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) return weight.dtype();
  return bias.defined() ? bias.dtype() : src.dtype();
}

/// The elements of `t` as `dtype`, row-major or channels-last: `t` itself, or a copy. Undefined stays so.
Tensor as_norm_type(const Tensor& t, DType dtype, Format format = Format::row_major);

/// The first element, or null for an undefined tensor.
template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// A tensor to compute the elements of `dst` in: `dst` itself when it has the type, else one that lies as it does.
Tensor norm_result(const Tensor& dst, DType dtype);
/// Writes them to `dst`, unless it is itself.
void finish_norm_result(const Tensor& result, Tensor& dst);

/// running = (1 - momentum) running + momentum factor batch, for [C] of any floating types (nothing when undefined).
void update_running(std::string_view op, const Tensor& running, const Tensor& batch, double momentum,
                    double factor = 1);

/// Throws UsageError unless 0 <= momentum <= 1, and where a running estimate requires a gradient.
void check_norm_running(std::string_view op, const Tensor& running_mean, const Tensor& running_var, double momentum);

}  // namespace dagrad
