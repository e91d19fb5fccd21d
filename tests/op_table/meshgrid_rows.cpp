#include <utility>

#include "dagrad/ops/meshgrid.h"
#include "op_table/families.h"
#include "op_table/inputs.h"

namespace dagrad::op_table {
namespace {

Sample grid(const char* name, const std::vector<Shape>& sides, Indexing indexing = Indexing::ij) {
  Sample sample{name, {}};
  for (const Shape& side : sides) sample.inputs.push_back({side});
  sample.call = [indexing](std::span<const Tensor> in) { return meshgrid({in.begin(), in.end()}, indexing); };
  sample.reference = [indexing](std::span<const Array> in) {
    std::vector<std::size_t> axis_of;
    Shape shape;
    for (std::size_t side = 0; side < in.size(); ++side) {
      axis_of.push_back(side);
      shape.push_back(count_of(in[side].shape));
    }
    if (indexing == Indexing::xy && in.size() > 1) {
      std::swap(axis_of[0], axis_of[1]);
      std::swap(shape[0], shape[1]);
    }
    Arrays results;
    for (std::size_t side = 0; side < in.size(); ++side) {
      Array& result = results.emplace_back(shape);
      std::int64_t i = 0;
      for (const Index& index : indices(shape)) result[i++] = in[side][index[axis_of[side]]];
    }
    return results;
  };
  double most = 1;  // results that a side's element is in
  for (const Shape& side : sides) most *= static_cast<double>(count_of(side));
  sample.gradient_roundings = most;
  return sample;
}

}  // namespace

std::vector<Row> meshgrid_rows() {
  Row row{.name = "meshgrid", .formula = "result k has sides[k][i_k] at (i_0, i_1, ...)"};
  row.composite = true;
  row.exact_on_integers = row.takes_i64 = true;
  row.gradient_terms = [](const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff) {
    return absolute(gradients(sample, inputs, absolute(diff), f64));
  };
  row.samples = {grid("3_by_5", {{3}, {5}}),
                 grid("xy_3_by_5", {{3}, {5}}, Indexing::xy),
                 grid("2_by_3_by_4", {{2}, {3}, {4}}),
                 grid("xy_2_by_3_by_4", {{2}, {3}, {4}}, Indexing::xy),
                 grid("one_side_7", {{7}}),
                 grid("xy_one_side_7", {{7}}, Indexing::xy),
                 grid("number_by_3", {{}, {3}}),
                 grid("empty_0_by_3", {{0}, {3}}),
                 grid("threads_257_by_129", {{257}, {129}})};
  row.bad = {
      bad<UsageError>(
          "nothing", [] { meshgrid({}); }, "meshgrid: no sides (want at least one)"),
      bad<ShapeError>(
          "matrix",
          [] {
            meshgrid({zeros_of({2}), zeros_of({2, 3})});
          },
          "meshgrid: side 1 is [2, 3] (want a vector)"),
      bad<DTypeError>(
          "types",
          [] {
            meshgrid({zeros_of({2}), zeros_of({2}, f64)});
          },
          "meshgrid: side 1 is f64, the first is f32 (want one type)"),
      bad<ShapeError>(
          "too_many", [] { meshgrid(std::vector<Tensor>(9, zeros_of({1}))); }, "meshgrid: 9 sides (want at most 8)")};
  row.benchmarks = {{grid("small", {{8}, {8}})}, {grid("large", {{1024}, {1024}})}};
  return {row};
}

}  // namespace dagrad::op_table
