// Elements whose position along one axis an index tells. Internal.
#pragma once

#include <string_view>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// Throws DTypeError unless `index` is i64.
void check_index_type(std::string_view op, const Tensor& index);
/// The same, and UsageError that names the first element outside [0, src.size(axis)). A 0-dim `src` has one element
/// along its axis.
void check_index(std::string_view op, const Tensor& index, const Tensor& src, int axis);
/// The same for numbers of `classes` classes.
void check_index(std::string_view op, const Tensor& index, std::int64_t classes);

/// `index` with n added to its negative elements. Throws DTypeError unless it is i64, UsageError that names the first
/// element outside [-n, n).
Tensor wrap_index(std::string_view op, const Tensor& index, std::int64_t n);

/// A 1-dim `index` as one that is the same across all axes of `shape` but `axis`.
Tensor index_across(const Tensor& index, int axis, const Shape& shape);

// In all that follow, index has as many axes as the tensors, and its elements are in range. p[axis = i] is the position
// p with i in place of its component along axis.

/// dst[p] = src[p[axis = index[p]]] for each p in index. dst has the shape of index.
void gather_elements(const Tensor& src, int axis, const Tensor& index, Tensor& dst);
/// dst[p[axis = index[p]]] = values[p] for each p in index, the last one along the axis where several meet.
void scatter_elements(const Tensor& values, int axis, const Tensor& index, Tensor& dst);
/// The same with one number for all values.
void scatter_number(double number, int axis, const Tensor& index, Tensor& dst);
/// dst[p[axis = index[p]]] += values[p] for each p in index, in order along the axis on any number of threads. f32,
/// f64, i64 and bf16, which is added up in f32. A dst that `values` or `index` share elements with is not allowed.
void scatter_add_elements(const Tensor& values, int axis, const Tensor& index, Tensor& dst);

}  // namespace dagrad
