#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/normalization.h"
#include "op_table/inputs.h"
#include "op_table/normalization_cases.h"

namespace dagrad::op_table {
namespace {

// --- batch_norm ---

struct Batch {
  const char* name;
  Shape shape;
  bool training = true;
  bool relu = false;
  bool weight = true, bias = true;
};

NormCase batch_case(const Batch& s) {
  NormCase c{s.name, s.shape, by_channel(s.shape), s.weight, s.bias};
  c.relu = s.relu;
  BatchNormOptions options{.training = s.training};
  if (s.relu) options.activation = Activation::relu;
  if (!s.training) {
    Array mean(Shape{s.shape[1]}), variance(Shape{s.shape[1]});
    for (std::int64_t i = 0; i < s.shape[1]; ++i) {
      mean[i] = 0.25 * static_cast<double>(i % 5) - 0.5;
      variance[i] = 0.5 + 0.25 * static_cast<double>(i % 7);
    }
    c.statistics = {mean, variance};
  }
  c.call = [statistics = c.statistics, options](std::span<const Tensor> in) {
    const DType type = in[0].dtype() == f64 ? f64 : f32;
    const Tensor mean = statistics.empty() ? Tensor() : to_tensor(statistics[0], type);
    const Tensor variance = statistics.empty() ? Tensor() : to_tensor(statistics[1], type);
    return std::vector{batch_norm(in[0], mean, variance, in[1], in[2], options)};
  };
  return c;
}

std::vector<NormCase> batch_cases(const std::vector<Batch>& list) {
  std::vector<NormCase> result;
  result.reserve(list.size());
  for (const Batch& s : list) result.push_back(batch_case(s));
  return result;
}

std::vector<NormCase> batch_benchmarks() {
  return batch_cases({{"small_32x64", {32, 64}},
                      {"medium_128x1024", {128, 1024}},
                      {"medium_relu_128x1024", {128, 1024}, true, true},
                      {"large_32x32x32x32", {32, 32, 32, 32}},
                      {"large_inference_32x32x32x32", {32, 32, 32, 32}, false}});
}

Call batch_norm_call(bool training) {
  return [training](std::span<const Tensor> in) {
    const Shape channels{in[0].size(1)};
    const DType type = in[0].dtype() == f64 ? f64 : f32;
    const Tensor mean = training ? Tensor() : zeros(channels, type), var = training ? Tensor() : ones(channels, type);
    return std::vector{batch_norm(in[0], mean, var, in[1], in[2], {.training = training})};
  };
}

std::vector<Bad> batch_norm_errors() {
  return {
      bad<DTypeError>(
          "i64",
          [] {
            batch_norm(zeros_of({2, 3}, i64), {}, {}, {}, {}, {.training = true});
          },
          "batch_norm: src is i64 (want f32, bf16 or f64)"),
      bad<ShapeError>(
          "dimensions", [] { batch_norm(zeros_of({3}), {}, {}, {}, {}, {.training = true}); },
          "batch_norm: src is [3] (want [N, C] or [N, C, spatial...], 2 to 5 dimensions)"),
      bad<ShapeError>(
          "weight",
          [] {
            batch_norm(zeros_of({2, 3}), {}, {}, zeros_of({4}), {}, {.training = true});
          },
          "batch_norm: weight is [4] (want [3], one for each channel)"),
      bad<ShapeError>(
          "running_var",
          [] {
            batch_norm(zeros_of({2, 3}), zeros_of({3}), zeros_of({1, 3}));
          },
          "batch_norm: running_var is [1, 3] (want [3], one for each channel)"),
      bad<DTypeError>(
          "types",
          [] {
            batch_norm(zeros_of({2, 3}), {}, {}, {}, zeros_of({3}, f64), {.training = true});
          },
          "batch_norm: bias is f64, src is f32 (want f32)"),
      bad<DTypeError>(
          "weight_and_bias",
          [] {
            batch_norm(zeros_of({2, 3}, bf16), {}, {}, zeros_of({3}), zeros_of({3}, bf16), {.training = true});
          },
          "batch_norm: weight is f32, bias is bf16 (want one type)"),
      bad<ShapeError>(
          "one_value_per_channel",
          [] {
            batch_norm(zeros_of({1, 3, 1}), {}, {}, {}, {}, {.training = true});
          },
          "batch_norm: training takes the variance of each channel's values: src is [1, 3, 1], 1 per channel (want at "
          "least 2: a larger batch, or training = false, which eval() sets)"),
      bad<UsageError>(
          "no_estimates",
          [] {
            batch_norm(zeros_of({2, 3}), {}, {});
          },
          "batch_norm: running_mean is undefined (want both running estimates, or training = true)"),
      bad<UsageError>(
          "one_estimate",
          [] {
            batch_norm(zeros_of({2, 3}), zeros_of({3}), {}, {}, {}, {.training = true});
          },
          "batch_norm: running_var is undefined (want both running estimates or neither)"),
      bad<UsageError>(
          "estimate_with_gradient",
          [] {
            batch_norm(zeros_of({2, 3}), zeros_of({3}).requires_grad_(), zeros_of({3}));
          },
          "batch_norm: running_mean requires a gradient, which it cannot get (want a constant)"),
      bad<UsageError>(
          "momentum",
          [] {
            batch_norm(zeros_of({2, 3}), {}, {}, {}, {}, {.training = true, .momentum = 1.5});
          },
          "batch_norm: momentum is 1.5 (want 0 to 1)"),
      bad<UsageError>(
          "eps",
          [] {
            batch_norm(zeros_of({2, 3}), {}, {}, {}, {}, {.training = true, .eps = -1});
          },
          "batch_norm: eps is -1 (want at least 0)")};
}

Row batch_norm_row() {
  Row row{.name = "batch_norm", .formula = "(x - mean) / sqrt(variance + eps) weight + bias for each channel"};
  row.bad = batch_norm_errors();
  const Array weight({2}, {2, -2}), bias({2}, {0.5, 4});
  row.edges = {
      {"equal_values_give_the_bias_and_no_gradient",
       {Array({2, 2, 2}, {3, 3, -1, -1, 3, 3, -1, -1}), weight, bias},
       {Array({2, 2, 2}, {0.5, 0.5, 4, 4, 0.5, 0.5, 4, 4})},
       {Array({2, 2, 2}), Array(Shape{2}), Array({2}, {4, 4})},
       batch_norm_call(true)},
      {"nan_spreads_over_its_channel",
       {Array({2, 2}, {kNan, 1, 0, 1}), weight, bias},
       {Array({2, 2}, {kNan, 4, kNan, 4})},
       {},
       batch_norm_call(true)},
      {"infinity_makes_its_channel_nan",
       {Array({2, 2}, {kInf, 1, 0, 1}), weight, bias},
       {Array({2, 2}, {kNan, 4, kNan, 4})},
       {},
       batch_norm_call(true)},
      {"no_samples_at_inference",
       {Array({0, 2, 3}), weight, bias},
       {Array({0, 2, 3})},
       {Array({0, 2, 3}), Array(Shape{2}), Array(Shape{2})},
       batch_norm_call(false)},
  };
  return norm_row(std::move(row),
                  batch_cases({{"matrix_7x5", {7, 5}},
                               {"two_values_2x4", {2, 4}},
                               {"one_channel_9x1", {9, 1}},
                               {"lines_3x2x5", {3, 2, 5}},
                               {"images_2x3x3x2", {2, 3, 3, 2}},
                               {"volumes_2x3x2x1x2", {2, 3, 2, 1, 2}},
                               {"one_sample_1x4x6", {1, 4, 6}},
                               {"no_bias_6x4", {6, 4}, true, false, true, false},
                               {"no_weight_6x4", {6, 4}, true, false, false, true},
                               {"plain_6x4", {6, 4}, true, false, false, false},
                               {"relu_7x5", {7, 5}, true, true},
                               {"relu_lines_3x2x5", {3, 2, 5}, true, true},
                               {"inference_5x3", {5, 3}, false},
                               {"inference_plain_5x3", {5, 3}, false, false, false, false},
                               {"inference_images_2x3x2x2", {2, 3, 2, 2}, false},
                               {"inference_relu_2x3x2x2", {2, 3, 2, 2}, false, true},
                               {"inference_one_value_1x3", {1, 3}, false},
                               {"parts_700x67", {700, 67}},
                               {"threads_relu_300x130", {300, 130}, true, true},
                               {"threads_images_8x9x31x17", {8, 9, 31, 17}},
                               {"blocks_2x2x4100", {2, 2, 4100}},
                               {"inference_threads_8x9x31x17", {8, 9, 31, 17}, false}}),
                  batch_benchmarks());
}

Row batch_norm_backward_row() {
  Row row{.name = "batch_norm_backward",
          .formula = "weight scale (g - mean(g) - n mean(g n)), sum(g n), sum(g), with n = (x - mean) scale"};
  return norm_backward_row(std::move(row),
                           batch_cases({{"matrix_7x3", {7, 3}},
                                        {"lines_3x2x4", {3, 2, 4}},
                                        {"images_2x2x3x2", {2, 2, 3, 2}},
                                        {"plain_6x4", {6, 4}, true, false, false, false},
                                        {"relu_7x3", {7, 3}, true, true},
                                        {"inference_5x3", {5, 3}, false},
                                        {"inference_relu_2x2x2x2", {2, 2, 2, 2}, false, true},
                                        {"inference_no_samples_0x2x3", {0, 2, 3}, false},
                                        {"parts_300x67", {300, 67}},
                                        {"threads_images_4x9x31x17", {4, 9, 31, 17}},
                                        {"inference_threads_4x9x31x17", {4, 9, 31, 17}, false, true}}),
                           batch_benchmarks());
}

// --- layer_norm and rms_norm ---

struct Layer {
  const char* name;
  Shape shape;
  int axes = 1;
  bool weight = true, bias = true;
};

NormCase layer_case(const Layer& s, bool centered) {
  NormCase c{s.name, s.shape, by_row(s.shape, s.axes), s.weight, s.bias && centered, centered};
  c.call = [shape = c.sets.parameters, centered](std::span<const Tensor> in) {
    return std::vector{centered ? layer_norm(in[0], shape, in[1], in[2]) : rms_norm(in[0], shape, in[1], 1e-5)};
  };
  return c;
}

std::vector<NormCase> layer_cases(const std::vector<Layer>& list, bool centered) {
  std::vector<NormCase> result;
  result.reserve(list.size());
  for (const Layer& s : list) result.push_back(layer_case(s, centered));
  return result;
}

std::vector<NormCase> layer_forward_cases(bool centered) {
  return layer_cases({{"rows_3x17", {3, 17}},
                      {"one_row_5", {5}},
                      {"two_values_4x2", {4, 2}},
                      {"two_axes_3x2x5", {3, 2, 5}, 2},
                      {"images_2x3x3x2", {2, 3, 3, 2}, 3},
                      {"no_weight_4x6", {4, 6}, 1, false, true},
                      {"no_bias_4x6", {4, 6}, 1, true, false},
                      {"plain_4x6", {4, 6}, 1, false, false},
                      {"size_1_rows_3x1", {3, 1}},
                      {"no_rows_0x3", {0, 3}},
                      {"empty_rows_3x0", {3, 0}},
                      {"blocks_700x67", {700, 67}},
                      {"threads_130x300", {130, 300}},
                      {"long_row_3x8200", {3, 8200}}},
                     centered);
}

std::vector<NormCase> layer_backward_cases(bool centered) {
  return layer_cases({{"rows_3x7", {3, 7}},
                      {"two_axes_2x3x3", {2, 3, 3}, 2},
                      {"no_bias_4x6", {4, 6}, 1, true, false},
                      {"plain_3x6", {3, 6}, 1, false, false},
                      {"no_rows_0x3", {0, 3}},
                      {"blocks_300x67", {300, 67}},
                      {"threads_70x300", {70, 300}}},
                     centered);
}

std::vector<NormCase> layer_benchmarks(bool centered) {
  return layer_cases({{"small_8x64", {8, 64}}, {"medium_128x256", {128, 256}}, {"large_4096x1024", {4096, 1024}}},
                     centered);
}

Row layer_norm_row() {
  Row row{.name = "layer_norm", .formula = "(x - mean) / sqrt(variance + eps) weight + bias over the last axes"};
  row.bad = {bad<DTypeError>(
                 "i64",
                 [] {
                   layer_norm(zeros_of({2, 3}, i64), {3});
                 },
                 "layer_norm: src is i64 (want f32, bf16 or f64)"),
             bad<ShapeError>(
                 "shape",
                 [] {
                   layer_norm(zeros_of({2, 3}), {2});
                 },
                 "layer_norm: src is [2, 3], normalized_shape is [2] (want the last sizes of src)"),
             bad<ShapeError>(
                 "no_shape",
                 [] {
                   layer_norm(zeros_of({2, 3}), {});
                 },
                 "layer_norm: normalized_shape is [] (want at least one axis)"),
             bad<ShapeError>(
                 "weight",
                 [] {
                   layer_norm(zeros_of({2, 3}), {3}, zeros_of({2}));
                 },
                 "layer_norm: weight is [2] (want [3], the normalized shape)"),
             bad<DTypeError>(
                 "types",
                 [] {
                   layer_norm(zeros_of({2, 3}, f64), {3}, zeros_of({3}));
                 },
                 "layer_norm: weight is f32, src is f64 (want f64)"),
             bad<UsageError>(
                 "eps",
                 [] {
                   layer_norm(zeros_of({2, 3}), {3}, {}, {}, kNan);
                 },
                 "layer_norm: eps is nan (want at least 0)")};
  const Call call = [](std::span<const Tensor> in) { return std::vector{layer_norm(in[0], {2}, in[1], in[2])}; };
  const Array weight({2}, {2, -2}), bias({2}, {0.5, 4});
  row.edges = {{"equal_values_give_the_bias_and_no_gradient",
                {Array({2, 2}, {3, 3, -1, -1}), Array({2}, {2, 2}), bias},
                {Array({2, 2}, {0.5, 4, 0.5, 4})},
                {Array({2, 2}), Array(Shape{2}), Array({2}, {2, 2})},
                call},
               {"nan_spreads_over_its_row",
                {Array({2, 2}, {kNan, 1, 3, 3}), weight, bias},
                {Array({2, 2}, {kNan, kNan, 0.5, 4})},
                {},
                call}};
  return norm_row(std::move(row), layer_forward_cases(true), layer_benchmarks(true));
}

Row layer_norm_backward_row() {
  Row row{.name = "layer_norm_backward",
          .formula = "scale (v - mean(v) - n mean(v n)), sum(g n), sum(g), with n = (x - mean) scale, v = weight g"};
  return norm_backward_row(std::move(row), layer_backward_cases(true), layer_benchmarks(true));
}

Row rms_norm_row() {
  Row row{.name = "rms_norm", .formula = "x / sqrt(mean(x^2) + eps) weight over the last axes"};
  row.bad = {bad<ShapeError>(
                 "shape",
                 [] {
                   rms_norm(zeros_of({2, 3}), {2, 3, 1});
                 },
                 "rms_norm: src is [2, 3], normalized_shape is [2, 3, 1] (want the last sizes of src)"),
             bad<ShapeError>(
                 "weight",
                 [] {
                   rms_norm(zeros_of({2, 3}), {3}, zeros_of({3, 1}));
                 },
                 "rms_norm: weight is [3, 1] (want [3], the normalized shape)")};
  row.edges = {{"zeros_stay_zeros",
                {Array({2, 2}, {0, 0, 3, -3}), Array({2}, {1, 2})},
                {Array({2, 2}, {0, 0, 1, -2})},
                {},
                [](std::span<const Tensor> in) { return std::vector{rms_norm(in[0], {2}, in[1], 0x1p-60)}; }}};
  return norm_row(std::move(row), layer_forward_cases(false), layer_benchmarks(false));
}

Row rms_norm_backward_row() {
  Row row{.name = "rms_norm_backward", .formula = "scale (v - n mean(v n)), sum(g n), with n = x scale, v = weight g"};
  return norm_backward_row(std::move(row), layer_backward_cases(false), layer_benchmarks(false));
}

Row standardize_weight_row() {
  Row row{.name = "standardize_weight",
          .formula = "(x - mean) / sqrt(variance + eps) over all but the first axis",
          .composite = true};
  const auto cases = [](const std::vector<Layer>& list) {
    std::vector<NormCase> result = layer_cases(list, true);
    for (NormCase& c : result)
      c.call = [](std::span<const Tensor> in) { return std::vector{standardize_weight(in[0])}; };
    return result;
  };
  row.bad = {bad<ShapeError>(
      "dimensions", [] { standardize_weight(zeros_of({3})); },
      "standardize_weight: weight is [3] (want [out, in, ...])")};
  return norm_row(std::move(row),
                  cases({{"linear_3x5", {3, 5}, 1, false, false},
                         {"no_outputs_0x5", {0, 5}, 1, false, false},
                         {"convolution_2x3x2x2", {2, 3, 2, 2}, 3, false, false}}),
                  cases({{"medium_64x64x3x3", {64, 64, 3, 3}, 3, false, false}}));
}

}  // namespace

std::vector<Row> normalization_rows() {
  std::vector<Row> rows{batch_norm_row(), batch_norm_backward_row(), layer_norm_row(),        layer_norm_backward_row(),
                        rms_norm_row(),   rms_norm_backward_row(),   standardize_weight_row()};
  for (Row& row : group_norm_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace dagrad::op_table
