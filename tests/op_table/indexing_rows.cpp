#include "dagrad/core/creation.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/view.h"
#include "op_table/indexing.h"

namespace dagrad::op_table {
namespace {

/// How many values can meet in one element, at most.
double meetings(const Shape& index, int axis) { return index.rank() == 0 ? 1 : static_cast<double>(index[axis]); }

/// A sample of shapes that only differ along an axis: `k` indices into `src`.
struct AlongAxis {
  const char* name;
  Shape src;
  int axis;
  std::int64_t k;

  Shape result() const {
    Shape shape = src;
    shape[axis] = k;
    return shape;
  }
};

const std::vector<AlongAxis>& along_axis() {
  static const std::vector<AlongAxis> list{{"one", {1}, 0, 1},
                                           {"vector_5", {5}, 0, 8},
                                           {"rows_7x5", {7, 5}, 0, 4},
                                           {"columns_3x17", {3, 17}, 1, 9},
                                           {"middle_2x5x3", {2, 5, 3}, 1, 6},
                                           {"no_indices_3x4", {3, 4}, 0, 0},
                                           {"empty_rows_4x0", {4, 0}, 0, 3},
                                           {"threads_rows_200x513", {200, 513}, 0, 300},
                                           {"threads_columns_300x67", {300, 67}, 1, 251},
                                           {"threads_middle_20x30x67", {20, 30, 67}, 1, 41}};
  return list;
}

std::vector<Benchmark> along_axis_benchmarks(const std::function<Sample(const AlongAxis&)>& sample) {
  return {{sample({"small", {8, 8}, 0, 4})},
          {sample({"medium", {128, 128}, 0, 128})},
          {sample({"large", {4096, 1024}, 0, 4096})},
          {sample({"large_columns", {1024, 4096}, 1, 4096})}};
}

Sample index_select_sample(const AlongAxis& s) {
  Sample sample{s.name, {{s.src}, index_input({s.k}, s.src[s.axis])}};
  sample.call = [s](std::span<const Tensor> in) { return std::vector{index_select(in[0], s.axis, in[1])}; };
  sample.reference = [s](std::span<const Array> in) {
    Array result(s.result());
    const auto axis = static_cast<std::size_t>(s.axis);
    std::int64_t i = 0;
    for (const Index& p : indices(result.shape))
      result[i++] = in[0][flat(s.src, redirected(p, axis, in[1], {p[axis]}))];
    return Arrays{result};
  };
  sample.gradient_roundings = static_cast<double>(s.k);
  return sample;
}

Row index_select_row() {
  Row row = picking_row("index_select", "src[..., index[i], ...] at i along axis");
  for (const AlongAxis& s : along_axis()) row.samples.push_back(index_select_sample(s));
  Sample scalar_index{"scalar_index_5x3", {{{5, 3}}, index_input({}, 5)}};
  scalar_index.call = [](std::span<const Tensor> in) { return std::vector{index_select(in[0], 0, in[1])}; };
  scalar_index.reference = [](std::span<const Array> in) {
    Array result({1, 3});
    for (std::int64_t j = 0; j < 3; ++j) result[j] = in[0][static_cast<std::int64_t>(in[1][0]) * 3 + j];
    return Arrays{result};
  };
  Sample scalar{"scalar", {{{}}, index_input({1}, 1)}};
  scalar.call = scalar_index.call;
  scalar.reference = [](std::span<const Array> in) { return Arrays{in[0]}; };
  row.samples.insert(row.samples.end(), {scalar_index, scalar});
  row.bad = {bad<UsageError>(
                 "too_large",
                 [] {
                   index_select(zeros_of({2, 4}), 1, tensor({0, 3, 4, 9}, i64));
                 },
                 "index_select: index out of range: 4 at position 2 (want 0 to 3 for axis 1 of [2, 4])"),
             bad<UsageError>(
                 "negative",
                 [] {
                   index_select(zeros_of({2, 4}), 0, tensor({0, -1}, i64));
                 },
                 "index_select: index out of range: -1 at position 1 (want 0 to 1 for axis 0 of [2, 4])"),
             bad<UsageError>(
                 "empty_axis",
                 [] {
                   index_select(zeros_of({0, 4}), 0, tensor({0}, i64));
                 },
                 "index_select: index out of range: 0 at position 0 (want none: axis 0 of [0, 4] is empty)"),
             bad<DTypeError>(
                 "index_type",
                 [] {
                   index_select(zeros_of({2, 4}), 0, zeros_of({1}));
                 },
                 "index_select: index is f32 (want i64)"),
             bad<ShapeError>(
                 "index_shape",
                 [] {
                   index_select(zeros_of({2, 4}), 0, zeros_of({1, 1}, i64));
                 },
                 "index_select: index is [1, 1] (want one dimension)"),
             bad<ShapeError>(
                 "scalar", [] { index_select(zeros_of({}), 0, zeros_of({2}, i64)); },
                 "index_select: index is [2] for a src of [] (want one element)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   index_select(zeros_of({2, 4}), 2, zeros_of({1}, i64));
                 },
                 "index_select: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.edges = {{"gradients_of_one_index_add_up",
                {Array({3}, {1, kNan, kInf}), Array({4}, {2.0, 0, 2, 2})},
                {Array({4}, {kInf, 1, kInf, kInf})},
                {Array({3}, {1.0, 0, 3}), Array({4})},
                [](std::span<const Tensor> in) { return std::vector{index_select(in[0], 0, to(in[1], i64))}; }}};
  row.benchmarks = along_axis_benchmarks(index_select_sample);
  return row;
}

Sample index_add_sample(const AlongAxis& s) {
  Sample sample{s.name, {{s.src}, index_input({s.k}, s.src[s.axis]), {s.result()}}};
  sample.call = [s](std::span<const Tensor> in) { return std::vector{index_add(in[0], s.axis, in[1], in[2])}; };
  sample.reference = [s](std::span<const Array> in) {
    Array result = in[0];
    const auto axis = static_cast<std::size_t>(s.axis);
    std::int64_t i = 0;
    for (const Index& p : indices(in[2].shape))
      result[flat(s.src, redirected(p, axis, in[1], {p[axis]}))] += in[2][i++];
    return Arrays{result};
  };
  sample.roundings = static_cast<double>(s.k);
  return sample;
}

Row index_add_row() {
  Row row = adding_row("index_add", "src with alpha values[..., i, ...] added at index[i] along axis");
  for (const AlongAxis& s : along_axis()) row.samples.push_back(index_add_sample(s));
  Sample scaled = index_add_sample({"scaled_4x3", {4, 3}, 0, 5});
  scaled.call = [](std::span<const Tensor> in) { return std::vector{index_add(in[0], 0, in[1], in[2], 3)}; };
  scaled.reference = [plain = scaled.reference](std::span<const Array> in) {
    return plain(Arrays{in[0], in[1], map(in[2], [](double x) { return 3 * x; })});
  };
  scaled.roundings = 6;
  scaled.gradient_roundings = 1;
  row.samples.push_back(scaled);
  row.bf16_roundings = 1;  // alpha values
  row.bad = {bad<UsageError>(
                 "too_large",
                 [] {
                   index_add(zeros_of({2, 4}), 0, tensor({1, 2}, i64), zeros_of({2, 4}));
                 },
                 "index_add: index out of range: 2 at position 1 (want 0 to 1 for axis 0 of [2, 4])"),
             bad<ShapeError>(
                 "values",
                 [] {
                   index_add(zeros_of({2, 4}), 0, tensor({1, 0, 1}, i64), zeros_of({2, 4}));
                 },
                 "index_add: values are [2, 4], src is [2, 4], index is [3] (want values of [3, 4])"),
             bad<ShapeError>(
                 "index_shape",
                 [] {
                   index_add(zeros_of({2, 4}), 0, zeros_of({1, 1}, i64), zeros_of({1, 4}));
                 },
                 "index_add: index is [1, 1] (want one dimension)"),
             bad<ShapeError>(
                 "scalar", [] { index_add(zeros_of({}), 0, zeros_of({1}, i64), zeros_of({})); },
                 "index_add: src is [] (want at least one dimension; use add)"),
             bad<DTypeError>(
                 "types", [] { index_add(zeros_of({2}), 0, zeros_of({1}, i64), zeros_of({1}, f64)); },
                 "index_add: element types differ: src is f32, values are f64 (want one type; cast with to())"),
             bad<DTypeError>(
                 "bool", [] { index_add(zeros_of({2}, boolean), 0, zeros_of({1}, i64), zeros_of({1}, boolean)); },
                 "index_add: bool (want f32, bf16, f64 or i64; cast with to())")};
  row.edges = {{"all_to_one_place",
                {Array({2}, {1.0, 5}), Array({3}, {0.0, 0, 0}), Array({3}, {2.0, 3, 4})},
                {Array({2}, {10.0, 5})},
                {Array({2}, 1), Array({3}), Array({3}, 1)},
                [](std::span<const Tensor> in) { return std::vector{index_add(in[0], 0, to(in[1], i64), in[2])}; }}};
  row.benchmarks = along_axis_benchmarks(index_add_sample);
  return row;
}

// --- an index for each element ---

struct EachElement {
  const char* name;
  Shape src;
  int axis;
  Shape index;
  Shape values;  // of what scatters; may be longer than index
};

const std::vector<EachElement>& each_element() {
  static const std::vector<EachElement> list{{"scalar", {}, 0, {}, {}},
                                             {"one", {1}, 0, {1}, {1}},
                                             {"vector_5", {5}, 0, {9}, {9}},
                                             {"last_3x7", {3, 7}, 1, {3, 5}, {3, 5}},
                                             {"first_7x3", {7, 3}, 0, {4, 3}, {4, 3}},
                                             {"middle_2x4x3", {2, 4, 3}, 1, {2, 6, 3}, {2, 6, 3}},
                                             {"index_shorter_4x5", {4, 5}, 1, {3, 4}, {4, 6}},
                                             {"no_indices_3x4", {3, 4}, 1, {3, 0}, {3, 0}},
                                             {"empty_0x4", {0, 4}, 1, {0, 2}, {0, 2}},
                                             {"threads_last_300x67", {300, 67}, 1, {300, 251}, {300, 251}},
                                             {"threads_first_67x700", {67, 700}, 0, {131, 700}, {131, 700}},
                                             {"threads_middle_20x30x67", {20, 30, 67}, 1, {20, 41, 67}, {20, 41, 67}}};
  return list;
}

std::vector<Benchmark> each_element_benchmarks(const std::function<Sample(const EachElement&)>& sample) {
  return {{sample({"small", {8, 8}, 1, {8, 4}, {8, 4}})},
          {sample({"medium", {128, 128}, 1, {128, 128}, {128, 128}})},
          {sample({"large", {2048, 2048}, 1, {2048, 2048}, {2048, 2048}})},
          {sample({"large_first", {2048, 2048}, 0, {2048, 2048}, {2048, 2048}})}};
}

Input index_of(const EachElement& s) { return index_input(s.index, s.src.rank() == 0 ? 1 : s.src[s.axis]); }

/// Calls f(position in src, position in index or values) for each element of index.
template <class F>
void for_each_index(const EachElement& s, const Array& index, const F& f) {
  for (const Index& p : indices(s.index)) {
    f(s.src.rank() == 0 ? p : redirected(p, static_cast<std::size_t>(s.axis), index, p), p);
  }
}

Sample gather_sample(const EachElement& s) {
  Sample sample{s.name, {{s.src}, index_of(s)}};
  sample.call = [s](std::span<const Tensor> in) { return std::vector{gather(in[0], s.axis, in[1])}; };
  sample.reference = [s](std::span<const Array> in) {
    Array result(s.index);
    for_each_index(s, in[1],
                   [&](const Index& from, const Index& p) { result[flat(s.index, p)] = in[0][flat(s.src, from)]; });
    return Arrays{result};
  };
  sample.gradient_roundings = meetings(s.index, s.axis);
  return sample;
}

Row gather_row() {
  Row row = picking_row("gather", "src[p with index[p] in place of p[axis]]");
  for (const EachElement& s : each_element()) row.samples.push_back(gather_sample(s));
  row.bad = {bad<UsageError>(
                 "too_large",
                 [] {
                   gather(zeros_of({2, 4}), 1, tensor({0, 3, 3, 4}, {2, 2}, i64));
                 },
                 "gather: index out of range: 4 at position [1, 1] (want 0 to 3 for axis 1 of [2, 4])"),
             bad<UsageError>(
                 "scalar", [] { gather(zeros_of({}), 0, full({}, 1, i64)); },
                 "gather: index out of range: 1 at position [] (want 0 to 0 for axis 0 of [])"),
             bad<ShapeError>(
                 "axes",
                 [] {
                   gather(zeros_of({2, 4}), 1, zeros_of({2}, i64));
                 },
                 "gather: index is [2], src is [2, 4] (want as many axes, none longer than src's but axis 1)"),
             bad<ShapeError>(
                 "longer",
                 [] {
                   gather(zeros_of({2, 4}), 1, zeros_of({3, 4}, i64));
                 },
                 "gather: index is [3, 4], src is [2, 4] (want as many axes, none longer than src's but axis 1)"),
             bad<DTypeError>(
                 "index_type",
                 [] {
                   gather(zeros_of({2, 4}), 1, zeros_of({2, 4}, f64));
                 },
                 "gather: index is f64 (want i64)")};
  row.edges = {{"only_what_is_taken_has_a_gradient",
                {Array({2, 2}, {1, kNan, kInf, 4}), Array({2, 3}, {0.0, 0, 0, 1, 0, 1})},
                {Array({2, 3}, {1, 1, 1, 4, kInf, 4})},
                {Array({2, 2}, {3.0, 0, 1, 2}), Array({2, 3})},
                [](std::span<const Tensor> in) { return std::vector{gather(in[0], 1, to(in[1], i64))}; }}};
  row.benchmarks = each_element_benchmarks(gather_sample);
  return row;
}

/// `put(element of the result, value)`; the other arguments as in the public functions.
template <class Put>
Sample scattering_sample(const EachElement& s,
                         Tensor (*f)(const Tensor&, std::int64_t, const Tensor&, const Tensor&, Location),
                         const Put& put) {
  Sample sample{s.name, {{s.src}, index_of(s), {s.values}}};
  sample.call = [s, f](std::span<const Tensor> in) {
    return std::vector{f(in[0], s.axis, in[1], in[2], Location::current())};
  };
  sample.reference = [s, put](std::span<const Array> in) {
    Array result = in[0];
    for_each_index(s, in[1], [&](const Index& target, const Index& p) {
      put(result[flat(s.src, target)], in[2][flat(s.values, p)]);
    });
    return Arrays{result};
  };
  return sample;
}

Sample scatter_sample(const EachElement& s) {
  return scattering_sample(s, scatter, [](double& to, double value) { to = value; });
}

Sample scatter_add_sample(const EachElement& s) {
  Sample sample = scattering_sample(s, scatter_add, [](double& to, double value) { to += value; });
  sample.roundings = meetings(s.index, s.axis);
  return sample;
}

std::vector<Bad> bad_scattering(const std::string& name,
                                Tensor (*f)(const Tensor&, std::int64_t, const Tensor&, const Tensor&, Location)) {
  return {bad<UsageError>(
              "too_large",
              [f] {
                f(zeros_of({2, 4}), 0, tensor({0, 1, 2, 0}, {2, 2}, i64), zeros_of({2, 2}), Location::current());
              },
              name + ": index out of range: 2 at position [1, 0] (want 0 to 1 for axis 0 of [2, 4])"),
          bad<ShapeError>(
              "longer",
              [f] {
                f(zeros_of({2, 4}), 0, zeros_of({1, 5}, i64), zeros_of({1, 5}), Location::current());
              },
              name + ": index is [1, 5], src is [2, 4] (want as many axes, none longer than src's but axis 0)"),
          bad<ShapeError>(
              "values",
              [f] {
                f(zeros_of({2, 4}), 0, zeros_of({3, 4}, i64), zeros_of({2, 4}), Location::current());
              },
              name + ": index is [3, 4], values are [2, 4] (want as many axes, none longer than the values')"),
          bad<DTypeError>(
              "types", [f] { f(zeros_of({2}), 0, zeros_of({1}, i64), zeros_of({1}, bf16), Location::current()); },
              name + ": element types differ: src is f32, values are bf16 (want one type; cast with to())"),
          bad<DTypeError>(
              "index_type", [f] { f(zeros_of({2}), 0, zeros_of({1}), zeros_of({1}), Location::current()); },
              name + ": index is f32 (want i64)")};
}

Row scatter_row() {
  Row row = picking_row("scatter", "src with values[p] at p with index[p] in place of p[axis]");
  for (const EachElement& s : each_element()) row.samples.push_back(scatter_sample(s));
  row.bad = bad_scattering("scatter", scatter);
  row.edges = {{"the_last_of_several_stands",
                {Array({3}, {kNan, 5, kInf}), Array({3}, {0.0, 0, 2}), Array({3}, {1, 2, kNan})},
                {Array({3}, {2, 5, kNan})},
                {Array({3}, {0.0, 1, 0}), Array({3}), Array({3}, {0.0, 1, 1})},
                [](std::span<const Tensor> in) { return std::vector{scatter(in[0], 0, to(in[1], i64), in[2])}; }}};
  row.benchmarks = each_element_benchmarks(scatter_sample);
  return row;
}

Sample scatter_number_sample(const EachElement& s) {
  Sample sample{s.name, {{s.src}, index_of(s)}};
  sample.call = [s](std::span<const Tensor> in) { return std::vector{scatter(in[0], s.axis, in[1], -2)}; };
  sample.reference = [s](std::span<const Array> in) {
    Array result = in[0];
    for_each_index(s, in[1], [&](const Index& target, const Index&) { result[flat(s.src, target)] = -2; });
    return Arrays{result};
  };
  return sample;
}

Row scatter_number_row() {
  Row row = picking_row("scatter_number", "src with c at p with index[p] in place of p[axis]");
  for (const EachElement& s : each_element()) row.samples.push_back(scatter_number_sample(s));
  row.nonzero_gradients = 0.01;  // what several of many indices leave
  row.bad = {
      bad<UsageError>(
          "too_large", [] { scatter(zeros_of({4}), 0, full({1}, 4, i64), 1.5); },
          "scatter: index out of range: 4 at position 0 (want 0 to 3 for axis 0 of [4])"),
      bad<ShapeError>(
          "axes",
          [] {
            scatter(zeros_of({2, 4}), 1, zeros_of({2}, i64), 1.5);
          },
          "scatter: index is [2], src is [2, 4] (want as many axes, none longer than src's but axis 1)"),
      bad<DTypeError>(
          "fraction_with_i64", [] { scatter(zeros_of({4}, i64), 0, zeros_of({1}, i64), 1.5); },
          "scatter: 1.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())"),
      bad<DTypeError>(
          "index_type", [] { scatter(zeros_of({2}), 0, zeros_of({1}), 1.5); }, "scatter: index is f32 (want i64)")};
  row.edges = {{"only_what_is_left_has_a_gradient",
                {Array({3}, {kNan, 5, kInf}), Array({2}, {2.0, 0})},
                {Array({3}, {-2, 5, -2})},
                {Array({3}, {0.0, 1, 0}), Array({2})},
                [](std::span<const Tensor> in) { return std::vector{scatter(in[0], 0, to(in[1], i64), -2)}; }}};
  row.benchmarks = each_element_benchmarks(scatter_number_sample);
  return row;
}

Row scatter_add_row() {
  Row row = adding_row("scatter_add", "src with values[p] added at p with index[p] in place of p[axis]");
  for (const EachElement& s : each_element()) row.samples.push_back(scatter_add_sample(s));
  row.bad = bad_scattering("scatter_add", scatter_add);
  row.bad.push_back(bad<DTypeError>(
      "u8", [] { scatter_add(zeros_of({2}, u8), 0, zeros_of({1}, i64), zeros_of({1}, u8)); },
      "scatter_add: u8 (want f32, bf16, f64 or i64; cast with to())"));
  row.edges = {{"several_add_up",
                {Array({3}, {1, kNan, 3}), Array({3}, {0.0, 0, 2}), Array({3}, {1, 2, kInf})},
                {Array({3}, {4, kNan, kInf})},
                {Array({3}, 1), Array({3}), Array({3}, 1)},
                [](std::span<const Tensor> in) { return std::vector{scatter_add(in[0], 0, to(in[1], i64), in[2])}; }}};
  row.benchmarks = each_element_benchmarks(scatter_add_sample);
  return row;
}

Sample take_sample(const char* name, const Shape& src, const Shape& index) {
  const std::int64_t n = count_of(src);
  Sample sample{
      name,
      {{src}, {index, {.low = -static_cast<double>(n), .high = static_cast<double>(n - 1), .integers = true}, i64}}};
  sample.call = [](std::span<const Tensor> in) { return std::vector{take(in[0], in[1])}; };
  sample.reference = [n](std::span<const Array> in) {
    return Arrays{
        map(in[1], [&](double i) { return in[0][static_cast<std::int64_t>(i < 0 ? i + static_cast<double>(n) : i)]; })};
  };
  sample.gradient_roundings = static_cast<double>(count_of(index));
  return sample;
}

Row take_row() {
  Row row = picking_row("take", "src[index] in row-major order, negative indices from the end");
  row.composite = true;
  row.samples = {take_sample("scalar", {}, {2}),
                 take_sample("scalar_index_3x4", {3, 4}, {}),
                 take_sample("vector_17", {17}, {9}),
                 take_sample("3x5_by_2x7", {3, 5}, {2, 7}),
                 take_sample("no_indices_3x4", {3, 4}, {0}),
                 take_sample("threads_64x1031", {64, 1031}, {300, 257})};
  row.bad = {bad<UsageError>(
                 "too_large",
                 [] {
                   take(zeros_of({2, 3}), tensor({5, 6}, {1, 2}, i64));
                 },
                 "take: index out of range: 6 at position [0, 1] (want -6 to 5 for 6 elements)"),
             bad<UsageError>(
                 "too_small",
                 [] {
                   take(zeros_of({2, 3}), tensor({-6, -7}, i64));
                 },
                 "take: index out of range: -7 at position 1 (want -6 to 5 for 6 elements)"),
             bad<UsageError>(
                 "from_nothing",
                 [] {
                   take(zeros_of({0, 3}), tensor({0}, i64));
                 },
                 "take: index out of range: 0 at position 0 (want none: the source is empty)"),
             bad<DTypeError>(
                 "index_type",
                 [] {
                   take(zeros_of({2, 3}), zeros_of({1}));
                 },
                 "take: index is f32 (want i64)")};
  row.edges = {{"negative_from_the_end",
                {Array({2, 2}, {1.0, 2, 3, 4}), Array({4}, {-1.0, 3, -4, 0})},
                {Array({4}, {4.0, 4, 1, 1})},
                {Array({2, 2}, {2.0, 0, 0, 2}), Array({4})},
                [](std::span<const Tensor> in) { return std::vector{take(in[0], to(in[1], i64))}; }}};
  row.benchmarks = {{take_sample("small", {8, 8}, {16})},
                    {take_sample("medium", {128, 128}, {4096})},
                    {take_sample("large", {2048, 2048}, {1 << 20})}};
  return row;
}

}  // namespace

std::vector<Row> indexing_rows() {
  std::vector<Row> result{index_select_row(),   index_add_row(),   gather_row(), scatter_row(),
                          scatter_number_row(), scatter_add_row(), take_row()};
  for (const auto& more : {embedding_rows, nonzero_rows}) {
    for (Row& row : more()) result.push_back(std::move(row));
  }
  return result;
}

}  // namespace dagrad::op_table
