// Building the rows of ops that move elements and compute nothing.
#pragma once

#include "op_table/op_table.h"

namespace dagrad::op_table {

using View = std::function<Tensor(const Tensor&)>;
/// Where in the source an element of the result stands.
using From = std::function<Index(const Index&)>;

/// A sample of an op whose result is made of elements of its source.
Sample moved(const char* name, const Shape& from, const View& view, const Shape& to_shape, const From& source);

/// A sample of an op that gives the same elements in the same order another shape.
Sample reshaped(const char* name, const Shape& from, const View& view, const Shape& to_shape);

/// A row without samples.
Row moving_row(const char* name, const char* formula, std::vector<std::string> covers = {});

/// Benchmarks from what makes a sample of a name and a size n, for n x n elements.
std::vector<Benchmark> moving_benchmarks(const std::function<Sample(const char*, std::int64_t)>& sample);

/// `index` with two of its axes exchanged.
Index swapped(Index index, std::size_t a, std::size_t b);

}  // namespace dagrad::op_table
