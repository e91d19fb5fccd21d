// Building the rows of ops that read or write at positions which a tensor of indices names.
#pragma once

#include "op_table/inputs.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {

/// An input of indices in [0, n).
inline Input index_input(const Shape& shape, std::int64_t n) {
  return {shape, {.low = 0, .high = static_cast<double>(n - 1), .integers = true}, i64};
}

/// `position` with index[at] as its component along `axis`.
inline Index redirected(Index position, std::size_t axis, const Array& index, const Index& at) {
  position[axis] = static_cast<std::int64_t>(index[flat(index.shape, at)]);
  return position;
}

/// The terms of gradients that are sums of elements of diff_dst, whatever the inputs.
inline Arrays sums_of_diff(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff) {
  return absolute(gradients(sample, inputs, absolute(diff), f64));
}

/// A row whose result is made of elements of its source, and whose gradients are sums of those of the result.
inline Row picking_row(const char* name, const char* formula) {
  Row row{.name = name, .formula = formula};
  row.exact_on_integers = row.takes_i64 = true;
  row.gradient_terms = sums_of_diff;
  return row;
}

/// A row whose result is sums of elements of its sources.
inline Row adding_row(const char* name, const char* formula) {
  Row row = picking_row(name, formula);
  row.terms = at_absolute_values;
  return row;
}

// The parts of indexing_rows().
std::vector<Row> embedding_rows();
std::vector<Row> nonzero_rows();

}  // namespace dagrad::op_table
