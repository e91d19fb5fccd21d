#include <algorithm>

#include "dagrad/ops/pooling.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

/// Windows over [N, C, spatial...], a number per spatial axis.
struct Case {
  const char* name;
  Shape src;
  Index kernel, stride = {}, padding = {}, dilation = {};  // empty: the kernel, 0 and 1
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor = 0;
  bool relu = false;

  int axes() const { return src.rank() - 2; }
  std::int64_t at(const Index& values, std::int64_t other, int axis) const {
    return values.empty() ? other : values[static_cast<std::size_t>(axis)];
  }
  std::int64_t step(int axis) const { return at(stride, at(kernel, 1, axis), axis); }

  Shape result() const {
    Shape shape{src[0], src[1]};
    for (int axis = 0; axis < axes(); ++axis) {
      const std::int64_t pad = at(padding, 0, axis), size = src[axis + 2];
      const std::int64_t room = size + 2 * pad - at(dilation, 1, axis) * (at(kernel, 1, axis) - 1) - 1;
      std::int64_t windows = (ceil_mode ? (room + step(axis) - 1) / step(axis) : room / step(axis)) + 1;
      while ((windows - 1) * step(axis) >= size + pad) --windows;
      shape.push_back(windows);
    }
    return shape;
  }

  /// Calls f(position in src, or -1 in the padding) for each element under the window at `o`; elements beyond the
  /// padding are left out.
  template <class F>
  void for_each_element(const Index& o, const F& f) const {
    Shape window;
    for (int axis = 0; axis < axes(); ++axis) window.push_back(at(kernel, 1, axis));
    for (const Index& k : indices(window)) {
      Index s{o[0], o[1]};
      bool inside = true, padded = true;
      for (int axis = 0; axis < axes(); ++axis) {
        const auto i = static_cast<std::size_t>(axis);
        const std::int64_t pad = at(padding, 0, axis), size = src[axis + 2];
        s.push_back(o[i + 2] * step(axis) + k[i] * at(dilation, 1, axis) - pad);
        inside = inside && s.back() >= 0 && s.back() < size;
        padded = padded && s.back() < size + pad;
      }
      if (padded) f(inside ? flat(src, s) : -1);
    }
  }

  double window_elements() const {
    double n = 1;
    for (const std::int64_t k : kernel) n *= static_cast<double>(k);
    return n;
  }
};

PerAxis option(const Index& values, std::int64_t other) {
  if (values.empty()) return other;
  if (values.size() == 1) return {values[0]};
  return values.size() == 2 ? PerAxis{values[0], values[1]} : PerAxis{values[0], values[1], values[2]};
}

MaxPoolOptions max_options(const Case& c) {
  MaxPoolOptions options{.kernel = option(c.kernel, 1),
                         .padding = option(c.padding, 0),
                         .dilation = option(c.dilation, 1),
                         .ceil_mode = c.ceil_mode,
                         .relu = c.relu};
  if (!c.stride.empty()) options.stride = option(c.stride, 1);
  return options;
}

AvgPoolOptions avg_options(const Case& c) {
  AvgPoolOptions options{.kernel = option(c.kernel, 1),
                         .padding = option(c.padding, 0),
                         .ceil_mode = c.ceil_mode,
                         .count_include_pad = c.count_include_pad,
                         .divisor_override = c.divisor};
  if (!c.stride.empty()) options.stride = option(c.stride, 1);
  return options;
}

Tensor max_pool(const Case& c, const Tensor& x) {
  switch (c.axes()) {
    case 1: return max_pool1d(x, max_options(c));
    case 2: return max_pool2d(x, max_options(c));
    default: return max_pool3d(x, max_options(c));
  }
}

Tensor avg_pool(const Case& c, const Tensor& x) {
  switch (c.axes()) {
    case 1: return avg_pool1d(x, avg_options(c));
    case 2: return avg_pool2d(x, avg_options(c));
    default: return avg_pool3d(x, avg_options(c));
  }
}

Sample max_sample(const Case& c) {
  Domain domain = kDistinct;
  if (c.relu) domain.low -= 1e-3;  // not to draw 0
  Sample sample{c.name, {{c.src, domain}}};
  sample.call = [c](std::span<const Tensor> in) { return std::vector{max_pool(c, in[0])}; };
  sample.reference = [c](std::span<const Array> in) {
    Array result(c.result(), -kInf);
    std::int64_t p = 0;
    for (const Index& o : indices(result.shape)) {
      c.for_each_element(o, [&](std::int64_t at) {
        if (at >= 0) result[p] = std::max({result[p], in[0][at], c.relu ? 0 : -kInf});
      });
      ++p;
    }
    return Arrays{result};
  };
  sample.gradient_roundings = c.window_elements();
  return sample;
}

Sample avg_sample(const Case& c) {
  Sample sample{c.name, {{c.src}}};
  sample.call = [c](std::span<const Tensor> in) { return std::vector{avg_pool(c, in[0])}; };
  sample.reference = [c](std::span<const Array> in) {
    Array result(c.result());
    std::int64_t p = 0;
    for (const Index& o : indices(result.shape)) {
      double count = 0;
      c.for_each_element(o, [&](std::int64_t at) {
        if (at >= 0) result[p] += in[0][at];
        if (at >= 0 || c.count_include_pad) ++count;
      });
      result[p++] /= c.divisor != 0 ? static_cast<double>(c.divisor) : count;
    }
    return Arrays{result};
  };
  sample.roundings = sample.gradient_roundings = c.window_elements() + 2;
  return sample;
}

/// The case with relu: negative elements and windows of nothing else.
Case with_relu(Case c) {
  c.relu = true;
  return c;
}

/// The plane shared by `output` windows per axis.
Sample adaptive_sample(const char* name, const Shape& src, const Index& output, bool largest) {
  Sample sample{name, {{src, largest ? kDistinct : kAny}}};
  sample.call = [=](std::span<const Tensor> in) {
    const PerAxis windows = option(output, 1);
    switch (output.size()) {
      case 1: return std::vector{largest ? adaptive_max_pool1d(in[0], windows) : adaptive_avg_pool1d(in[0], windows)};
      case 2: return std::vector{largest ? adaptive_max_pool2d(in[0], windows) : adaptive_avg_pool2d(in[0], windows)};
      default: return std::vector{largest ? adaptive_max_pool3d(in[0], windows) : adaptive_avg_pool3d(in[0], windows)};
    }
  };
  sample.reference = [=](std::span<const Array> in) {
    Shape shape{src[0], src[1]};
    for (const std::int64_t n : output) shape.push_back(n);
    Array result(shape, largest ? -kInf : 0);
    std::int64_t p = 0;
    for (const Index& o : indices(shape)) {
      double count = 0;
      for (const Index& s : indices(src)) {
        bool under = s[0] == o[0] && s[1] == o[1];
        for (std::size_t axis = 0; axis < output.size(); ++axis) {
          const double share = static_cast<double>(src[static_cast<int>(axis) + 2]) / static_cast<double>(output[axis]);
          const auto at = static_cast<double>(o[axis + 2]), here = static_cast<double>(s[axis + 2]);
          under = under && here >= std::floor(at * share + 1e-9) && here < std::ceil((at + 1) * share - 1e-9);
        }
        if (!under) continue;
        const double x = in[0][flat(src, s)];
        result[p] = largest ? std::max(result[p], x) : result[p] + x;
        ++count;
      }
      if (!largest) result[p] /= count;
      ++p;
    }
    return Arrays{result};
  };
  sample.roundings = sample.gradient_roundings = static_cast<double>(count_of(src));
  return sample;
}

Row max_row(const char* name, const char* formula, const std::vector<Case>& cases) {
  Row row{.name = name, .formula = formula, .covers = {"max_pool", "max_pool_backward", "max_pool_gather"}};
  row.gradient_terms = gradients_by_largest;
  row.exact_on_integers = true;
  row.nonzero_gradients = 0.03;
  for (const Case& c : cases) row.samples.push_back(max_sample(c));
  return row;
}

Row avg_row(const char* name, const char* formula, const std::vector<Case>& cases) {
  Row row{.name = name, .formula = formula, .covers = {"avg_pool", "avg_pool_backward"}};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.nonzero_gradients = 0.1;
  for (const Case& c : cases) row.samples.push_back(avg_sample(c));
  return row;
}

Row max_pool1d_row() {
  Row row = max_row("max_pool1d", "dst[n, c, p] = the largest of src[n, c] under window p",
                    {{"2x2x7_k3", {2, 2, 7}, {3}, {1}},
                     {"strided_padded_dilated", {1, 3, 9}, {2}, {2}, {1}, {3}},
                     {"ceil_mode", {2, 1, 6}, {3}, {2}, {1}, {}, true},
                     {"one", {1, 1, 1}, {1}},
                     {"empty_batch", {0, 2, 4}, {2}},
                     {"wide_window_300", {1, 5, 300}, {300}},
                     {"tail_3x33x65", {3, 33, 65}, {3}, {2}},
                     with_relu({"relu_wide_window_300", {1, 5, 600}, {300}})});
  row.edges = {{"nan_is_the_largest", {Array({1, 1, 6}, {1, kNan, 3, 5, kNan, 2})}, {Array({1, 1, 2}, {kNan, kNan})}},
               {"first_of_equals", {Array({1, 1, 3}, {2, 2, 2})}, {Array({1, 1, 1}, 2)}, {Array({1, 1, 3}, {1, 0, 0})}},
               {"infinities",
                {Array({1, 1, 6}, {-kInf, -kInf, -kInf, 1, kInf, 2})},
                {Array({1, 1, 2}, {-kInf, kInf})},
                {Array({1, 1, 6}, {1, 0, 0, 0, 1, 0})}}};
  for (Edge& edge : row.edges)
    edge.call = [](std::span<const Tensor> in) { return std::vector{max_pool1d(in[0], {.kernel = 3})}; };
  row.edges.push_back({"relu",
                       {Array({1, 1, 12}, {-1, 2, kNan, -kInf, -3, -1, -1, 0, -2, 4, 4, -1})},
                       {Array({1, 1, 4}, {kNan, 0, 0, 4})},
                       {Array({1, 1, 12}, {0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0})}});
  row.edges.back().call = [](std::span<const Tensor> in) {
    return std::vector{max_pool1d(in[0], {.kernel = 3, .relu = true})};
  };
  row.bad = {bad<UsageError>(
                 "padding",
                 [] {
                   max_pool1d(zeros_of({1, 1, 4}), {.kernel = 3, .padding = 2});
                 },
                 "max_pool1d: padding is 2 with a kernel of 3 (want at most half the kernel)"),
             bad<UsageError>(
                 "kernel",
                 [] {
                   max_pool1d(zeros_of({1, 1, 4}), {});
                 },
                 "max_pool1d: kernel is 0 (want at least 1)")};
  row.benchmarks = {{max_sample({"small", {1, 8, 16}, {2}})},
                    {max_sample({"medium", {8, 32, 128}, {2}})},
                    {max_sample({"large", {32, 64, 2048}, {2}})}};
  return row;
}

Row max_pool2d_row() {
  Row row = max_row("max_pool2d", "dst[n, c, p, q] = the largest of src[n, c] under window p, q",
                    {{"2x2x4x6_k2", {2, 2, 4, 6}, {2, 2}},
                     {"overlapping_3_by_2", {1, 2, 5, 7}, {3, 3}, {2, 2}},
                     {"padded_unevenly", {1, 2, 4, 5}, {3, 2}, {2, 1}, {1, 0}},
                     {"dilated", {1, 2, 6, 5}, {2, 3}, {1, 1}, {}, {2, 1}},
                     {"ceil_mode", {1, 2, 5, 5}, {2, 2}, {}, {}, {}, true},
                     {"gaps", {1, 2, 5, 5}, {1, 2}, {2, 3}},
                     {"no_channels", {2, 0, 4, 4}, {2, 2}},
                     {"tail_2x17x12x10", {2, 17, 12, 10}, {2, 2}},
                     {"tail_overlapping_2x35x9x9", {2, 35, 9, 9}, {3, 3}, {2, 2}, {1, 1}},
                     {"threads_8x32x32x32", {8, 32, 32, 32}, {2, 2}},
                     with_relu({"relu_tail_2x17x12x10", {2, 17, 12, 10}, {2, 2}}),
                     with_relu({"relu_padded_2x35x9x9", {2, 35, 9, 9}, {3, 3}, {2, 2}, {1, 1}})});
  row.bad = {bad<ShapeError>(
                 "dimensions",
                 [] {
                   max_pool2d(zeros_of({4, 4}), {.kernel = 2});
                 },
                 "max_pool2d: src is [4, 4] (want [N, C, 2 spatial sizes], N optional)"),
             bad<ShapeError>(
                 "small",
                 [] {
                   max_pool2d(zeros_of({1, 1, 2, 4}), {.kernel = 3});
                 },
                 "max_pool2d: src is [1, 1, 2, 4], with padding 2 along spatial axis 0 (want at least the 3 that the "
                 "kernel covers)"),
             bad<ShapeError>(
                 "empty",
                 [] {
                   max_pool2d(zeros_of({1, 1, 0, 4}), {.kernel = 1});
                 },
                 "max_pool2d: src is [1, 1, 0, 4] (want spatial sizes of at least 1)"),
             bad<DTypeError>(
                 "integers",
                 [] {
                   max_pool2d(zeros_of({1, 1, 2, 2}, i64), {.kernel = 2});
                 },
                 "max_pool2d: i64 (want f32, bf16 or f64)")};
  row.benchmarks = {{max_sample({"small", {1, 4, 8, 8}, {2, 2}})},
                    {max_sample({"medium", {8, 16, 28, 28}, {2, 2}})},
                    {max_sample({"large", {32, 64, 56, 56}, {2, 2}})}};
  return row;
}

Row max_pool3d_row() {
  Row row = max_row("max_pool3d", "as max_pool2d, with a third spatial axis",
                    {{"1x2x2x4x3_k2", {1, 2, 2, 4, 3}, {2, 2, 1}},
                     {"padded", {1, 2, 3, 4, 3}, {2, 3, 2}, {1, 2, 2}, {1, 1, 0}},
                     {"empty_batch", {0, 2, 2, 3, 2}, {2, 2, 1}},
                     {"tail_2x9x5x6x7", {2, 9, 5, 6, 7}, {2, 2, 2}}});
  row.benchmarks = {{max_sample({"small", {1, 4, 4, 4, 4}, {2, 2, 2}})},
                    {max_sample({"medium", {2, 16, 16, 16, 16}, {2, 2, 2}})},
                    {max_sample({"large", {4, 32, 32, 32, 32}, {2, 2, 2}})}};
  return row;
}

Row avg_pool1d_row() {
  Row row = avg_row("avg_pool1d", "dst[n, c, p] = the mean of src[n, c] under window p",
                    {{"2x2x7_k3", {2, 2, 7}, {3}, {1}},
                     {"padded", {1, 3, 8}, {4}, {2}, {2}},
                     {"padding_not_counted", {1, 3, 8}, {4}, {2}, {2}, {}, false, false},
                     {"empty_batch", {0, 2, 4}, {2}},
                     {"tail_3x33x65", {3, 33, 65}, {3}, {2}}});
  row.benchmarks = {{avg_sample({"small", {1, 8, 16}, {2}})},
                    {avg_sample({"medium", {8, 32, 128}, {2}})},
                    {avg_sample({"large", {32, 64, 2048}, {2}})}};
  return row;
}

Row avg_pool2d_row() {
  Row row = avg_row("avg_pool2d", "dst[n, c, p, q] = the mean of src[n, c] under window p, q",
                    {{"2x2x4x6_k2", {2, 2, 4, 6}, {2, 2}},
                     {"overlapping_padded", {1, 2, 5, 4}, {3, 3}, {2, 1}, {1, 1}},
                     {"padding_not_counted", {1, 2, 5, 4}, {3, 3}, {2, 1}, {1, 1}, {}, false, false},
                     {"ceil_mode", {1, 2, 5, 5}, {2, 2}, {}, {1, 1}, {}, true},
                     {"ceil_mode_not_counted", {1, 2, 5, 6}, {3, 2}, {2, 2}, {1, 0}, {}, true, false},
                     {"divisor", {1, 2, 4, 4}, {2, 3}, {}, {}, {}, false, true, 5},
                     {"empty_batch", {0, 2, 4, 4}, {2, 2}},
                     {"tail_2x17x12x10", {2, 17, 12, 10}, {2, 2}},
                     {"threads_8x32x32x32", {8, 32, 32, 32}, {3, 3}, {2, 2}, {1, 1}}});
  row.bad = {bad<UsageError>(
      "divisor",
      [] {
        avg_pool2d(zeros_of({1, 1, 4, 4}), {.kernel = 2, .divisor_override = -1});
      },
      "avg_pool2d: divisor_override is -1 (want at least 1, or 0 for none)")};
  row.benchmarks = {{avg_sample({"small", {1, 4, 8, 8}, {2, 2}})},
                    {avg_sample({"medium", {8, 16, 28, 28}, {2, 2}})},
                    {avg_sample({"large", {32, 64, 56, 56}, {2, 2}})}};
  return row;
}

Row avg_pool3d_row() {
  Row row = avg_row("avg_pool3d", "as avg_pool2d, with a third spatial axis",
                    {{"1x2x2x4x3_k2", {1, 2, 2, 4, 3}, {2, 2, 1}},
                     {"padded", {1, 2, 3, 4, 3}, {2, 3, 2}, {1, 2, 2}, {1, 1, 0}, {}, false, false},
                     {"empty_batch", {0, 2, 2, 3, 2}, {2, 2, 1}},
                     {"tail_2x9x5x6x7", {2, 9, 5, 6, 7}, {2, 2, 2}}});
  row.benchmarks = {{avg_sample({"small", {1, 4, 4, 4, 4}, {2, 2, 2}})},
                    {avg_sample({"medium", {2, 16, 16, 16, 16}, {2, 2, 2}})},
                    {avg_sample({"large", {4, 32, 32, 32, 32}, {2, 2, 2}})}};
  return row;
}

Row adaptive_row(const char* name, const char* formula, bool largest) {
  Row row = largest ? max_row(name, formula, {}) : avg_row(name, formula, {});
  row.covers = {largest ? "max_pool" : "avg_pool"};
  row.samples = {adaptive_sample("line_2x3x7_to_3", {2, 3, 7}, {3}, largest),
                 adaptive_sample("plane_1x2x5x7_to_2x3", {1, 2, 5, 7}, {2, 3}, largest),
                 adaptive_sample("exact_1x2x4x6_to_2x3", {1, 2, 4, 6}, {2, 3}, largest),
                 adaptive_sample("more_than_there_are_1x2x2x3_to_4x5", {1, 2, 2, 3}, {4, 5}, largest),
                 adaptive_sample("volume_1x2x3x4x3_to_2x2x1", {1, 2, 3, 4, 3}, {2, 2, 1}, largest),
                 adaptive_sample("empty_batch_0x2x4x6_to_2x3", {0, 2, 4, 6}, {2, 3}, largest),
                 adaptive_sample("tail_2x33x9x7_to_4x4", {2, 33, 9, 7}, {4, 4}, largest)};
  row.benchmarks = {{adaptive_sample("small", {1, 8, 8, 8}, {2, 2}, largest)},
                    {adaptive_sample("medium", {8, 16, 28, 28}, {7, 7}, largest)},
                    {adaptive_sample("large", {32, 64, 56, 56}, {7, 7}, largest)}};
  return row;
}

Row adaptive_avg_row() {
  Row row =
      adaptive_row("adaptive_avg_pool", "the mean under each of `output` windows that share the axes evenly", false);
  row.bad = {bad<UsageError>(
      "nothing",
      [] {
        adaptive_avg_pool2d(zeros_of({1, 1, 4, 4}), {2, 0});
      },
      "adaptive_avg_pool2d: output is 0 (want at least 1)")};
  return row;
}

Row global_row(const char* name, const char* formula, bool largest) {
  Row row = adaptive_row(name, formula, largest);
  row.samples = {adaptive_sample("line_2x3x7", {2, 3, 7}, {1}, largest),
                 adaptive_sample("plane_1x2x5x7", {1, 2, 5, 7}, {1, 1}, largest),
                 adaptive_sample("volume_1x2x3x4x3", {1, 2, 3, 4, 3}, {1, 1, 1}, largest),
                 adaptive_sample("empty_batch_0x2x5x7", {0, 2, 5, 7}, {1, 1}, largest),
                 adaptive_sample("tail_2x33x17x16", {2, 33, 17, 16}, {1, 1}, largest)};
  row.benchmarks = {{adaptive_sample("small", {1, 8, 8, 8}, {1, 1}, largest)},
                    {adaptive_sample("medium", {8, 16, 28, 28}, {1, 1}, largest)},
                    {adaptive_sample("large", {32, 64, 56, 56}, {1, 1}, largest)}};
  const auto make_global = [largest](Sample& sample) {
    sample.call = [largest](std::span<const Tensor> in) {
      return std::vector{largest ? global_max_pool(in[0]) : global_avg_pool(in[0])};
    };
  };
  for (Sample& sample : row.samples) make_global(sample);
  for (Benchmark& benchmark : row.benchmarks) make_global(benchmark.sample);
  row.nonzero_gradients = 0;
  row.bad = {bad<ShapeError>(
      "matrix",
      [=] {
        largest ? global_max_pool(zeros_of({2, 3})) : global_avg_pool(zeros_of({2, 3}));
      },
      std::string(name) + ": src is [2, 3] (want [N, C, spatial...] with 1 to 3 spatial axes)")};
  return row;
}

}  // namespace

std::vector<Row> pooling_rows() {
  return {
      max_pool1d_row(),
      max_pool2d_row(),
      max_pool3d_row(),
      avg_pool1d_row(),
      avg_pool2d_row(),
      avg_pool3d_row(),
      adaptive_row("adaptive_max_pool", "the largest under each of `output` windows that share the axes evenly", true),
      adaptive_avg_row(),
      global_row("global_max_pool", "the largest of each channel", true),
      global_row("global_avg_pool", "the mean of each channel", false)};
}

}  // namespace dagrad::op_table
