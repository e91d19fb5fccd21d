// Building the rows of reductions over any axes.
#pragma once

#include "dagrad/ops/axes.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {

/// What a sample reduces over.
struct Over {
  Axes axes = {};
  bool keepdim = false;

  bool has(int axis, int rank) const;
  Shape result(const Shape& src, bool keep) const;
  /// How many elements become one.
  double length(const Shape& src) const;
};

using ReduceOp = std::function<Tensor(const Tensor&, const Axes&, bool)>;
/// A public function without the caller's line.
ReduceOp reducing(Tensor (*f)(const Tensor&, const Axes&, bool, Location));

/// What the elements that go into one result come to, in the order of their indices.
using OfGroup = std::function<double(const std::vector<double>&)>;

/// The elements that go into each element of the result.
std::vector<std::vector<double>> groups(const Array& src, const Over& over);
Reference reduce(const Over& over, const OfGroup& f);

/// One sample; its roundings are the number of elements that become one.
Sample reduction_sample(std::string name, const Shape& shape, const Over& over, const ReduceOp& f,
                        const OfGroup& reference, const Domain& domain);

/// Shapes, each with every kind of axes: all, the last (rows in line), the first (columns), the middle, several; short
/// rows and few columns; long enough for threads in every order.
std::vector<Sample> reduction_samples(const ReduceOp& f, const OfGroup& reference, const Domain& domain,
                                      bool empty_too);

std::vector<Benchmark> reduction_benchmarks(const ReduceOp& f, const OfGroup& reference);

/// Axes out of range, and named twice.
std::vector<Bad> bad_axes(const std::string& name, const ReduceOp& f);
Bad over_empty_axis(const std::string& name, const ReduceOp& f);
Bad integers_not_taken(const std::string& name, const ReduceOp& f);

}  // namespace dagrad::op_table
