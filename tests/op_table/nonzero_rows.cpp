#include "dagrad/core/creation.h"
#include "dagrad/ops/nonzero.h"
#include "dagrad/ops/view.h"
#include "op_table/indexing.h"

namespace dagrad::op_table {
namespace {

constexpr Domain kFew{.low = -1, .high = 1, .integers = true};  // a third of them 0

Sample nonzero_sample(const char* name, const Shape& shape) { return {name, {{shape, kFew}}}; }

Row nonzero_row() {
  Row row{.name = "nonzero", .formula = "the positions p with src[p] != 0, in row-major order"};
  row.call = call1(nonzero);
  row.reference = [](std::span<const Array> in) {
    Array result;
    std::int64_t i = 0, found = 0;
    for (const Index& p : indices(in[0].shape)) {
      if (in[0][i++] == 0) continue;
      ++found;
      for (const std::int64_t component : p) result.values.push_back(static_cast<double>(component));
    }
    result.shape = {found, in[0].shape.rank()};
    return Arrays{result};
  };
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = {nonzero_sample("scalar", {}),
                 nonzero_sample("one", {1}),
                 nonzero_sample("17", {17}),
                 nonzero_sample("3x5", {3, 5}),
                 nonzero_sample("2x3x4x2", {2, 3, 4, 2}),
                 nonzero_sample("empty_0x3", {0, 3}),
                 nonzero_sample("large_64x1031", {64, 1031})};
  row.edges = {{"nan_is_not_0_and_minus_0_is", {Array({4}, {kNan, -0.0, 0, -kInf})}, {Array({2, 1}, {0.0, 3})}},
               {"of_a_number", {Array(Shape{}, 2)}, {Array({1, 0})}},
               {"of_0", {Array(Shape{}, 0)}, {Array({0, 0})}},
               {"none", {Array({2, 3})}, {Array({0, 2})}}};
  row.benchmarks = {{nonzero_sample("small", {8, 8})},
                    {nonzero_sample("medium", {128, 128})},
                    {nonzero_sample("large", {2048, 2048})}};
  return row;
}

Sample masked_select_sample(const char* name, const Shape& src, const Shape& mask) {
  return {name, {{src}, {mask, {.low = 0, .high = 1, .integers = true}, boolean}}};
}

Row masked_select_row() {
  Row row = picking_row("masked_select", "the elements of src where mask is true, in row-major order");
  row.composite = true;
  row.call = call2(masked_select);
  row.reference = [](std::span<const Array> in) {
    Array result;
    for (const Index& p : indices(broadcast(in[0].shape, in[1].shape))) {
      if (in[1][flat(in[1].shape, p)] != 0) result.values.push_back(in[0][flat(in[0].shape, p)]);
    }
    result.shape = {static_cast<std::int64_t>(result.size())};
    return Arrays{result};
  };
  row.gradient_roundings = 8;  // of a source that is repeated eight times
  row.samples = {masked_select_sample("scalars", {}, {}),
                 masked_select_sample("17", {17}, {17}),
                 masked_select_sample("3x7", {3, 7}, {3, 7}),
                 masked_select_sample("row_mask_5x4", {5, 4}, {4}),
                 masked_select_sample("column_source_5x1_8", {5, 1}, {8}),
                 masked_select_sample("empty_0x3", {0, 3}, {0, 3}),
                 masked_select_sample("threads_64x1031", {64, 1031}, {64, 1031})};
  row.bad = {
      bad<DTypeError>(
          "mask_type", [] { masked_select(zeros_of({2}), zeros_of({2}, u8)); },
          "masked_select: mask is u8 (want bool)"),
      bad<ShapeError>(
          "shapes",
          [] {
            masked_select(zeros_of({2, 3}), zeros_of({2}, boolean));
          },
          "masked_select: shapes do not broadcast: [2, 3] and [2] (want equal sizes or 1 at axis -1: got 3 and 2)")};
  const auto by_mask = [](std::span<const Tensor> in) { return std::vector{masked_select(in[0], to(in[1], boolean))}; };
  row.edges = {{"what_is_not_taken_has_no_gradient",
                {Array({4}, {kNan, 1, kInf, 3}), Array({4}, {0.0, 1, 0, 1})},
                {Array({2}, {1.0, 3})},
                {Array({4}, {0.0, 1, 0, 1}), Array({4})},
                by_mask},
               {"nothing", {Array({2}, {1.0, 2}), Array({2})}, {Array({0})}, {Array({2}), Array({2})}, by_mask}};
  row.benchmarks = {{masked_select_sample("small", {8, 8}, {8, 8})},
                    {masked_select_sample("medium", {128, 128}, {128, 128})},
                    {masked_select_sample("large", {2048, 2048}, {2048, 2048})}};
  return row;
}

}  // namespace

std::vector<Row> nonzero_rows() { return {nonzero_row(), masked_select_row()}; }

}  // namespace dagrad::op_table
