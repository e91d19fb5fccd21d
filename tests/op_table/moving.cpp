#include "op_table/moving.h"

namespace dagrad::op_table {

Sample moved(const char* name, const Shape& from, const View& view, const Shape& to_shape, const From& source) {
  Sample sample{name, {{from}}};
  sample.call = [view](std::span<const Tensor> in) { return std::vector{view(in[0])}; };
  sample.reference = [to_shape, source](std::span<const Array> in) {
    Array result(to_shape);
    std::int64_t i = 0;
    for (const Index& index : indices(to_shape)) result[i++] = in[0][flat(in[0].shape, source(index))];
    return Arrays{result};
  };
  return sample;
}

Sample reshaped(const char* name, const Shape& from, const View& view, const Shape& to_shape) {
  Sample sample{name, {{from}}};
  sample.call = [view](std::span<const Tensor> in) { return std::vector{view(in[0])}; };
  sample.reference = [to_shape](std::span<const Array> in) { return Arrays{Array(to_shape, in[0].values)}; };
  return sample;
}

Row moving_row(const char* name, const char* formula, std::vector<std::string> covers) {
  Row row{.name = name, .formula = formula, .covers = std::move(covers)};
  row.exact_on_integers = row.takes_i64 = true;
  return row;
}

std::vector<Benchmark> moving_benchmarks(const std::function<Sample(const char*, std::int64_t)>& sample) {
  return {{sample("small", 8)}, {sample("medium", 128)}, {sample("large", 2048)}};
}

Index swapped(Index index, std::size_t a, std::size_t b) {
  std::swap(index[a], index[b]);
  return index;
}

}  // namespace dagrad::op_table
