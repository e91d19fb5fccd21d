// Sums of products, written with an index for each axis.
#pragma once

#include <string_view>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The sum of products that `subscripts` describe, as numpy.einsum: a letter for each axis of each operand, operands
/// apart by commas, and behind `->` the axes of the result; what is missing there is summed over.
///
///     einsum("ij,jk->ik", {a, b})       a matrix product
///     einsum("bhqd,bhkd->bhqk", {q, k}) the scores of attention
///     einsum("ii->i", {a})              a diagonal: a letter that an operand repeats
///     einsum("...ij->...ji", {a})       `...` stands for any number of axes, which broadcast
///
/// Without `->` the result has the axes of `...` and then, in alphabetical order (capitals first), the letters that
/// stand once. `...` that is missing behind `->` is summed over. Axes of size 1 broadcast. Products of two operands run
/// as (batched) matmul; more than two are multiplied in the order that keeps the intermediate results small. A single
/// operand, of which nothing is summed, gives a view.
/// Throws ShapeError naming the subscripts, DTypeError.
Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& operands, Location where = Location::current());

}  // namespace dagrad
