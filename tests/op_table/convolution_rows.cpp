#include <algorithm>
#include <array>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/convolution.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

/// A convolution of src [N, C, spatial...] with weights [O, C / groups, kernel...], a number per spatial axis.
struct Case {
  const char* name;
  Shape src, weights;
  Index stride = {}, padding = {}, dilation = {};  // empty: 1, 0 and 1
  std::int64_t groups = 1;
  bool bias = true;
  bool same_size = false;
  Index extra = {};  // output_padding of a transpose

  int axes() const { return weights.rank() - 2; }
  std::int64_t at(const Index& values, std::int64_t other, int axis) const {
    return values.empty() ? other : values[static_cast<std::size_t>(axis)];
  }
  std::int64_t reach(int axis) const { return at(dilation, 1, axis) * (weights[axis + 2] - 1); }
  std::int64_t before(int axis) const { return same_size ? reach(axis) / 2 : at(padding, 0, axis); }
  PerAxis option(const Index& values, std::int64_t other) const {
    if (values.empty()) return other;
    if (axes() == 1) return {values[0]};
    return axes() == 2 ? PerAxis{values[0], values[1]} : PerAxis{values[0], values[1], values[2]};
  }

  /// The shape of the convolution's result, for a source of this one's shape.
  Shape result() const {
    Shape shape{src[0], weights[0]};
    for (int axis = 0; axis < axes(); ++axis) {
      const std::int64_t padded = src[axis + 2] + (same_size ? reach(axis) : 2 * before(axis));
      shape.push_back((padded - reach(axis) - 1) / at(stride, 1, axis) + 1);
    }
    return shape;
  }
  /// The shape of the transpose's result.
  Shape transposed_result() const {
    Shape shape{src[0], weights[1] * groups};
    for (int axis = 0; axis < axes(); ++axis) {
      shape.push_back((src[axis + 2] - 1) * at(stride, 1, axis) - 2 * before(axis) + reach(axis) + at(extra, 0, axis) +
                      1);
    }
    return shape;
  }

  /// Calls f(positions in src, weights and dst) for each product that is added up, given the shapes of the
  /// convolution's source and result.
  template <class F>
  void for_each_product(const Shape& in, const Shape& out, const F& f) const {
    const std::int64_t in_group = weights[1], out_group = weights[0] / groups;
    Index at_src(static_cast<std::size_t>(in.rank()));
    for (const Index& o : indices(out)) {
      for (const Index& w : indices(weights)) {
        if (w[0] != o[1]) continue;
        at_src[0] = o[0];
        at_src[1] = o[1] / out_group * in_group + w[1];
        bool inside = true;
        for (int axis = 0; axis < axes(); ++axis) {
          const auto k = static_cast<std::size_t>(axis + 2);
          at_src[k] = o[k] * at(stride, 1, axis) + w[k] * at(dilation, 1, axis) - before(axis);
          inside = inside && at_src[k] >= 0 && at_src[k] < in[axis + 2];
        }
        if (inside) f(flat(in, at_src), flat(weights, w), flat(out, o));
      }
    }
  }

  ConvolutionOptions options() const {
    return {
        .stride = option(stride, 1), .padding = padding_option(), .dilation = option(dilation, 1), .groups = groups};
  }
  Padding padding_option() const {
    if (same_size) return Padding::same;
    if (padding.empty()) return 0;
    if (axes() == 1) return {padding[0]};
    return axes() == 2 ? Padding{padding[0], padding[1]} : Padding{padding[0], padding[1], padding[2]};
  }
  Tensor conv(const Tensor& x, const Tensor& w, const Tensor& b) const {
    switch (axes()) {
      case 1: return conv1d(x, w, b, options());
      case 2: return conv2d(x, w, b, options());
      default: return conv3d(x, w, b, options());
    }
  }
  Tensor conv_transpose(const Tensor& x, const Tensor& w, const Tensor& b) const {
    const ConvolutionTransposeOptions with{.stride = option(stride, 1),
                                           .padding = option(padding, 0),
                                           .output_padding = option(extra, 0),
                                           .groups = groups,
                                           .dilation = option(dilation, 1)};
    switch (axes()) {
      case 1: return conv_transpose1d(x, w, b, with);
      case 2: return conv_transpose2d(x, w, b, with);
      default: return conv_transpose3d(x, w, b, with);
    }
  }

  /// At least as many terms as any sum has, of the result or of a gradient.
  double terms() const {
    const double kernel = static_cast<double>(count_of(weights)) /
                          static_cast<double>(std::max<std::int64_t>(1, weights[0] * weights[1]));
    const double windows = static_cast<double>(std::max(count_of(src), count_of(result()))) /
                           static_cast<double>(std::max<std::int64_t>(1, std::min(src[1], weights[0])));
    return std::max(kernel * static_cast<double>(std::max(weights[0], weights[1])), windows) + 2;
  }
};

void add_bias(Array& result, const Array& bias) {
  const std::int64_t area = count_of(result.shape) / std::max<std::int64_t>(1, result.shape[0] * result.shape[1]);
  for (std::int64_t i = 0; i < count_of(result.shape); ++i) result[i] += bias[i / area % result.shape[1]];
}

Sample conv_sample(const Case& c) {
  Sample sample{c.name, {{c.src}, {c.weights}}};
  if (c.bias) sample.inputs.push_back({{c.weights[0]}});
  sample.call = [c](std::span<const Tensor> in) {
    return std::vector{c.conv(in[0], in[1], in.size() > 2 ? in[2] : Tensor())};
  };
  sample.reference = [c](std::span<const Array> in) {
    Array result(c.result());
    c.for_each_product(c.src, result.shape, [&](auto s, auto w, auto d) { result[d] += in[0][s] * in[1][w]; });
    if (c.bias) add_bias(result, in[2]);
    return Arrays{result};
  };
  sample.roundings = sample.gradient_roundings = c.terms();
  return sample;
}

Sample transpose_sample(const Case& c) {
  const std::int64_t channels = c.weights[1] * c.groups;
  Sample sample{c.name, {{c.src}, {c.weights}}};
  if (c.bias) sample.inputs.push_back({{channels}});
  sample.call = [c](std::span<const Tensor> in) {
    return std::vector{c.conv_transpose(in[0], in[1], in.size() > 2 ? in[2] : Tensor())};
  };
  sample.reference = [c](std::span<const Array> in) {
    Array result(c.transposed_result());
    c.for_each_product(result.shape, c.src, [&](auto s, auto w, auto d) { result[s] += in[0][d] * in[1][w]; });
    if (c.bias) add_bias(result, in[2]);
    return Arrays{result};
  };
  sample.roundings = sample.gradient_roundings =
      std::max(c.terms(), static_cast<double>(count_of(c.transposed_result())));
  return sample;
}

Row products_row(const char* name, const char* formula, std::vector<std::string> covers) {
  Row row{.name = name, .formula = formula, .primitive = "convolution", .covers = std::move(covers)};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = true;
  return row;
}

double flops_of(const Case& c) {
  return 2.0 * static_cast<double>(count_of(c.result())) * static_cast<double>(count_of(c.weights)) /
         static_cast<double>(c.weights[0]);
}

Benchmark conv_benchmark(const Case& c) { return {conv_sample(c), flops_of(c)}; }

/// Nothing is averaged away: a window of each kind, edges included, and sizes that fill no vector.
Row conv1d_row() {
  Row row = products_row(
      "conv1d", "dst[n, o, p] = bias[o] + sum over c, k of weights[o, c, k] src[n, c, p s + k d - q]", {"convolution"});
  for (const Case& c :
       {Case{"2x2x7_k3", {2, 2, 7}, {3, 2, 3}}, Case{"no_bias", {2, 2, 7}, {3, 2, 3}, {}, {}, {}, 1, false},
        Case{"strided_padded_dilated", {1, 2, 11}, {2, 2, 3}, {2}, {2}, {2}},
        Case{"same_odd_reach", {2, 2, 8}, {2, 2, 4}, {}, {}, {}, 1, true, true},
        Case{"groups_2", {2, 4, 6}, {6, 2, 3}, {}, {1}, {}, 2}, Case{"depthwise", {2, 3, 6}, {3, 1, 3}, {}, {1}, {}, 3},
        Case{"one", {1, 1, 1}, {1, 1, 1}}, Case{"empty_batch", {0, 2, 5}, {3, 2, 3}},
        Case{"tail_4x17x129", {4, 17, 129}, {33, 17, 5}, {}, {2}}}) {
    row.samples.push_back(conv_sample(c));
  }
  Sample single = conv_sample({"without_batch", {1, 2, 7}, {3, 2, 3}});
  single.inputs[0].shape = {2, 7};
  single.reference = [whole = single.reference](std::span<const Array> in) {
    Array batch = in[0];
    batch.shape = {1, 2, 7};
    Arrays result = whole(Arrays{batch, in[1], in[2]});
    result[0].shape = {3, 5};
    return result;
  };
  row.samples.push_back(single);
  const Call padded = [](std::span<const Tensor> in) { return std::vector{conv1d(in[0], in[1], {}, {.padding = 1})}; };
  row.edges = {{"nan_in_the_source_reaches_the_windows_that_cover_it",
                {Array({1, 1, 4}, {kNan, 1, 1, 1}), Array({1, 1, 3}, 1)},
                {Array({1, 1, 4}, {kNan, kNan, 3, 2})},
                {},
                padded},
               {"nan_in_the_weights_reaches_all_of_its_channel_through_the_zeros_of_the_padding_too",
                {Array({1, 1, 3}, 1), Array({2, 1, 3}, {kNan, 1, 1, 1, 1, 1})},
                {Array({1, 2, 3}, {kNan, kNan, kNan, 2, 3, 2})},
                {},
                padded}};
  row.bad = {bad<ShapeError>(
                 "dimensions",
                 [] {
                   conv1d(zeros_of({3}), zeros_of({1, 1, 1}));
                 },
                 "conv1d: src is [3] (want [N, C, 1 spatial sizes], N optional)"),
             bad<ShapeError>(
                 "short",
                 [] {
                   conv1d(zeros_of({1, 1, 3}), zeros_of({1, 1, 5}), {}, {.padding = 0});
                 },
                 "conv1d: src is [1, 1, 3], with padding 3 along spatial axis 0 (want at least the 5 that the kernel "
                 "covers)")};
  row.benchmarks = {conv_benchmark({"small", {1, 8, 16}, {8, 8, 3}}),
                    conv_benchmark({"medium", {8, 32, 128}, {32, 32, 3}, {}, {1}}),
                    conv_benchmark({"large", {32, 64, 1024}, {64, 64, 5}, {}, {2}})};
  return row;
}

Row conv2d_row() {
  Row row = products_row(
      "conv2d", "dst[n, o, p, q] = bias[o] + sum over c, k, l of weights[o, c, k, l] src[n, c, window at p, q]",
      {"convolution", "convolution_backward_data", "convolution_backward_weights"});
  for (const Case& c :
       {Case{"1x2x4x5_k3x2", {1, 2, 4, 5}, {2, 2, 3, 2}},
        Case{"padded_unevenly", {1, 2, 4, 3}, {2, 2, 3, 3}, {}, {1, 2}},
        Case{"strided_2x1", {1, 2, 5, 4}, {2, 2, 2, 3}, {2, 1}, {0, 1}},
        Case{"dilated", {1, 1, 6, 5}, {2, 1, 2, 2}, {}, {1, 0}, {3, 2}},
        Case{"groups_2", {1, 4, 4, 4}, {4, 2, 3, 3}, {}, {1, 1}, {}, 2},
        Case{"depthwise_multiplier", {1, 2, 4, 4}, {4, 1, 3, 3}, {}, {1, 1}, {}, 2},
        Case{"pointwise_1x1", {2, 3, 3, 2}, {4, 3, 1, 1}, {}, {}, {}, 1, false},
        Case{"pointwise_strided", {1, 3, 5, 4}, {4, 3, 1, 1}, {2, 2}},
        Case{"pointwise_strided_padded", {1, 3, 5, 4}, {4, 3, 1, 1}, {3, 2}, {1, 1}},
        Case{"same_even_kernel", {1, 2, 4, 4}, {2, 2, 2, 4}, {}, {}, {}, 1, true, true},
        Case{"stride_beyond_kernel", {1, 1, 7, 7}, {1, 1, 2, 2}, {3, 4}},
        Case{"empty_batch", {0, 2, 4, 4}, {3, 2, 3, 3}}, Case{"no_channels", {2, 0, 4, 4}, {3, 0, 3, 3}},
        Case{"tail_3x17x13x9", {3, 17, 13, 9}, {19, 17, 3, 3}, {}, {1, 1}},
        Case{"image_2x3x20x20", {2, 3, 20, 20}, {16, 3, 5, 5}, {2, 2}, {2, 2}},
        Case{"pointwise_strided_tail", {2, 16, 9, 9}, {32, 16, 1, 1}, {2, 2}},
        Case{"depthwise_tail", {2, 33, 9, 9}, {33, 1, 3, 3}, {}, {1, 1}, {}, 33},
        Case{"threads_4x20x16x16", {4, 20, 16, 16}, {16, 20, 3, 3}, {}, {1, 1}}}) {
    row.samples.push_back(conv_sample(c));
  }
  for (const Case& c : {Case{"in_tiles_4x16x16x16", {4, 16, 16, 16}, {16, 16, 3, 3}, {}, {1, 1}},
                        Case{"in_tiles_1x16x29x30", {1, 16, 29, 30}, {32, 16, 3, 3}, {}, {2, 1}, {}, 1, false}}) {
    row.samples.push_back(conv_sample(c));
    row.samples.back().inexact = "Winograd's transforms have thirds and roots";
  }
  row.bad = {
      bad<ShapeError>(
          "channels",
          [] {
            conv2d(zeros_of({1, 3, 4, 4}), zeros_of({2, 2, 3, 3}));
          },
          "conv2d: src is [1, 3, 4, 4], weights are [2, 2, 3, 3] (want weights of [O, C / groups, kernel...], O a "
          "multiple of groups for groups=1)"),
      bad<ShapeError>(
          "groups",
          [] {
            conv2d(zeros_of({1, 4, 4, 4}), zeros_of({3, 2, 3, 3}), {}, {.groups = 2});
          },
          "conv2d: src is [1, 4, 4, 4], weights are [3, 2, 3, 3] (want weights of [O, C / groups, kernel...], O a "
          "multiple of groups for groups=2)"),
      bad<ShapeError>(
          "bias",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3, 3}), zeros_of({2}));
          },
          "conv2d: bias is [2] (want [3])"),
      bad<ShapeError>(
          "weights",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3}));
          },
          "conv2d: weights are [3, 2, 3] (want 4 dimensions)"),
      bad<UsageError>(
          "stride",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3, 3}), {}, {.stride = 0});
          },
          "conv2d: stride is 0 (want at least 1)"),
      bad<UsageError>(
          "numbers",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3, 3}), {}, {.dilation = {1, 1, 1}});
          },
          "conv2d: dilation has 3 numbers (want 1 or 2)"),
      bad<UsageError>(
          "same_strided",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3, 3}), {}, {.stride = 2, .padding = Padding::same});
          },
          "conv2d: padding is same and stride 2 (want 1)"),
      bad<DTypeError>(
          "types",
          [] {
            conv2d(zeros_of({1, 2, 4, 4}), zeros_of({3, 2, 3, 3}, f64));
          },
          "conv2d: element types differ: f32 and f64 (want one type; cast with to())")};
  row.benchmarks = {conv_benchmark({"small", {1, 4, 8, 8}, {8, 4, 3, 3}, {}, {1, 1}}),
                    conv_benchmark({"medium", {8, 16, 28, 28}, {32, 16, 3, 3}, {}, {1, 1}}),
                    conv_benchmark({"large", {32, 64, 56, 56}, {64, 64, 3, 3}, {}, {1, 1}})};
  return row;
}

Row conv3d_row() {
  Row row = products_row("conv3d", "as conv2d, with a third spatial axis", {"convolution"});
  for (const Case& c : {Case{"1x2x3x3x2_k2", {1, 2, 3, 3, 2}, {2, 2, 2, 2, 2}},
                        Case{"strided_padded", {1, 1, 4, 3, 4}, {2, 1, 2, 3, 2}, {2, 1, 2}, {1, 1, 0}},
                        Case{"groups_2", {1, 2, 3, 2, 3}, {2, 1, 2, 1, 2}, {}, {}, {}, 2},
                        Case{"pointwise_strided", {1, 2, 3, 3, 2}, {2, 2, 1, 1, 1}, {2, 1, 1}},
                        Case{"empty_batch", {0, 2, 3, 2, 3}, {3, 2, 2, 2, 2}},
                        Case{"tail_2x5x7x6x5", {2, 5, 7, 6, 5}, {9, 5, 3, 3, 3}, {}, {1, 1, 1}, {1, 2, 1}}}) {
    row.samples.push_back(conv_sample(c));
  }
  row.benchmarks = {conv_benchmark({"small", {1, 4, 4, 4, 4}, {4, 4, 3, 3, 3}, {}, {1, 1, 1}}),
                    conv_benchmark({"medium", {2, 8, 16, 16, 16}, {16, 8, 3, 3, 3}, {}, {1, 1, 1}}),
                    conv_benchmark({"large", {4, 32, 16, 32, 32}, {32, 32, 3, 3, 3}, {}, {1, 1, 1}})};
  return row;
}

Row transpose_row(const char* name, const std::vector<Case>& cases) {
  Row row = products_row(name, "the adjoint of a convolution in its source, plus bias", {"convolution_backward_data"});
  row.bf16_roundings = 1;
  row.nonfinite = "in bf16 an infinity may be NaN, and what stands beside it too, as in the gradients of convolutions";
  for (const Case& c : cases) row.samples.push_back(transpose_sample(c));
  return row;
}

Row conv_transpose1d_row() {
  Row row =
      transpose_row("conv_transpose1d", {{"1x3x5_k3", {1, 3, 5}, {3, 2, 3}},
                                         {"strided_padded", {2, 2, 4}, {2, 3, 3}, {2}, {1}, {}, 1, true, false, {1}},
                                         {"groups_2", {1, 4, 4}, {4, 2, 2}, {2}, {}, {}, 2, false},
                                         {"empty_batch", {0, 2, 3}, {2, 3, 3}},
                                         {"tail_3x17x33", {3, 17, 33}, {17, 9, 4}, {2}, {1}}});
  row.benchmarks = {{transpose_sample({"small", {1, 8, 16}, {8, 8, 3}})},
                    {transpose_sample({"medium", {8, 32, 64}, {32, 32, 4}, {2}, {1}})},
                    {transpose_sample({"large", {32, 64, 512}, {64, 64, 4}, {2}, {1}})}};
  return row;
}

Row conv_transpose2d_row() {
  Row row = transpose_row("conv_transpose2d",
                          {{"1x2x3x3_k2x3", {1, 2, 3, 3}, {2, 2, 2, 3}},
                           {"strided_padded", {1, 2, 3, 2}, {2, 2, 3, 3}, {2, 3}, {1, 1}, {}, 1, true, false, {1, 2}},
                           {"dilated", {1, 1, 3, 3}, {1, 2, 2, 2}, {}, {1, 0}, {2, 2}, 1, false},
                           {"groups_2", {1, 4, 2, 3}, {4, 1, 2, 2}, {2, 2}, {}, {}, 2},
                           {"pointwise_strided", {1, 3, 3, 3}, {3, 2, 1, 1}, {2, 2}},
                           {"empty_batch", {0, 2, 3, 3}, {2, 2, 3, 3}},
                           {"tail_2x17x7x5", {2, 17, 7, 5}, {17, 9, 4, 4}, {2, 2}, {1, 1}}});
  row.bad = {bad<UsageError>(
                 "output_padding",
                 [] {
                   conv_transpose2d(zeros_of({1, 2, 3, 3}), zeros_of({2, 2, 3, 3}), {}, {.output_padding = 1});
                 },
                 "conv_transpose2d: output_padding is 1 (want less than stride 1 or dilation 1)"),
             bad<ShapeError>(
                 "nothing_left",
                 [] {
                   conv_transpose2d(zeros_of({1, 2, 1, 1}), zeros_of({2, 2, 3, 3}), {}, {.padding = 2});
                 },
                 "conv_transpose2d: src is [1, 2, 1, 1], which with padding 2 leaves -1 along spatial axis 0 (want at "
                 "least 1)"),
             bad<ShapeError>(
                 "channels",
                 [] {
                   conv_transpose2d(zeros_of({1, 3, 2, 2}), zeros_of({2, 2, 3, 3}));
                 },
                 "conv_transpose2d: src is [1, 3, 2, 2], weights are [2, 2, 3, 3] (want weights of [C, O / groups, "
                 "kernel...], C a multiple of groups for groups=1)")};
  row.benchmarks = {{transpose_sample({"small", {1, 4, 8, 8}, {4, 4, 3, 3}})},
                    {transpose_sample({"medium", {8, 16, 14, 14}, {16, 16, 4, 4}, {2, 2}, {1, 1}})},
                    {transpose_sample({"large", {16, 64, 28, 28}, {64, 64, 4, 4}, {2, 2}, {1, 1}})}};
  return row;
}

Row conv_transpose3d_row() {
  Row row = transpose_row("conv_transpose3d",
                          {{"1x1x2x3x2_k2", {1, 1, 2, 3, 2}, {1, 2, 2, 2, 2}},
                           {"strided", {1, 2, 2, 2, 2}, {2, 1, 2, 1, 3}, {2, 1, 2}, {0, 0, 1}, {}, 1, false},
                           {"empty_batch", {0, 2, 2, 2, 2}, {2, 1, 2, 1, 2}},
                           {"tail_2x5x3x4x3", {2, 5, 3, 4, 3}, {5, 7, 3, 2, 3}, {1, 2, 1}, {1, 0, 1}}});
  row.benchmarks = {{transpose_sample({"small", {1, 4, 4, 4, 4}, {4, 4, 3, 3, 3}})},
                    {transpose_sample({"medium", {2, 8, 8, 8, 8}, {8, 8, 3, 3, 3}})},
                    {transpose_sample({"large", {4, 16, 16, 16, 16}, {16, 16, 4, 4, 4}, {2, 2, 2}, {1, 1, 1}})}};
  return row;
}

}  // namespace

std::vector<Row> convolution_rows() {
  return {conv1d_row(),           conv2d_row(),           conv3d_row(),
          conv_transpose1d_row(), conv_transpose2d_row(), conv_transpose3d_row()};
}

}  // namespace dagrad::op_table
