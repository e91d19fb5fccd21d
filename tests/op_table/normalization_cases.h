// What the rows of the normalizations share: which elements are normalised together, references and bounds.
#pragma once

#include <string>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::op_table {

/// For each element of src: the set that it is normalised in, and the weight and bias that it gets.
struct Sets {
  std::vector<std::int64_t> set, parameter;
  std::int64_t set_count = 0;
  Shape parameters;  // the shape of weight and bias
};

/// One set for each channel (axis 1), with one weight.
Sets by_channel(const Shape& shape);
/// One set for all elements of the last axes together, with a weight for each.
Sets by_row(const Shape& shape, int axes);
/// One set for each sample's channels in a group, with a weight for each channel.
Sets by_group(const Shape& shape, std::int64_t groups);

/// A sample of a normalization. Its inputs are src and then what is there of weight and bias.
struct NormCase {
  std::string name;
  Shape shape;
  Sets sets;
  bool weight = true, bias = true;
  bool centered = true;    // else the mean counts as 0
  bool relu = false;       // applied to the result
  Arrays statistics = {};  // constant mean and variance for each set, in place of src's own
  double eps = 1e-5;
  Call call = {};  // of src, weight (maybe undefined) and bias (likewise)

  std::vector<Input> inputs() const;
  /// call() of what is there.
  std::vector<Tensor> operator()(std::span<const Tensor> in) const;
};

/// The rows of an op and of its backward, for these cases.
Row norm_row(Row row, const std::vector<NormCase>& cases, const std::vector<NormCase>& benchmarks);
Row norm_backward_row(Row row, const std::vector<NormCase>& cases, const std::vector<NormCase>& benchmarks);

/// The part of the family that takes statistics over groups of channels.
std::vector<Row> group_norm_rows();

}  // namespace dagrad::op_table
