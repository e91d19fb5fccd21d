// Convolutions, pooling and resizing.
#include <cmath>
#include <optional>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;
using Numbers = std::vector<std::int64_t>;

/// A sample of op_table/convolution_rows.cpp that is not plain; empty: 1, 0 and 1 for each axis.
struct Convolution {
  Numbers stride = {}, padding = {}, dilation = {};
  std::int64_t groups = 1;
  bool same = false;
  Numbers extra = {};
};

Numbers or_all(const Numbers& numbers, std::int64_t other, std::int64_t axes) {
  return numbers.empty() ? Numbers(static_cast<std::size_t>(axes), other) : numbers;
}

using Convolutions = std::map<std::string, Convolution>;

TorchFunction convolution(Convolutions list) {
  return [list = std::move(list)](In in, const std::string& sample) -> TorchTensors {
    const auto found = list.find(sample);
    if (found == list.end()) return {};
    const Convolution& c = found->second;
    const std::int64_t axes = in[1].dim() - 2;
    const T bias = in.size() > 2 ? in[2] : T();
    const Numbers stride = or_all(c.stride, 1, axes), dilation = or_all(c.dilation, 1, axes);
    if (c.same) {
      if (axes == 1) return {at::conv1d(in[0], in[1], bias, stride, "same", dilation, c.groups)};
      return {at::conv2d(in[0], in[1], bias, stride, "same", dilation, c.groups)};
    }
    const Numbers padding = or_all(c.padding, 0, axes);
    if (axes == 1) return {at::conv1d(in[0], in[1], bias, stride, padding, dilation, c.groups)};
    if (axes == 2) return {at::conv2d(in[0], in[1], bias, stride, padding, dilation, c.groups)};
    return {at::conv3d(in[0], in[1], bias, stride, padding, dilation, c.groups)};
  };
}

TorchFunction transpose(Convolutions list) {
  return [list = std::move(list)](In in, const std::string& sample) -> TorchTensors {
    const auto found = list.find(sample);
    if (found == list.end()) return {};
    const Convolution& c = found->second;
    const std::int64_t axes = in[1].dim() - 2;
    const T bias = in.size() > 2 ? in[2] : T();
    const Numbers stride = or_all(c.stride, 1, axes), padding = or_all(c.padding, 0, axes),
                  extra = or_all(c.extra, 0, axes), dilation = or_all(c.dilation, 1, axes);
    if (axes == 1) return {at::conv_transpose1d(in[0], in[1], bias, stride, padding, extra, c.groups, dilation)};
    if (axes == 2) return {at::conv_transpose2d(in[0], in[1], bias, stride, padding, extra, c.groups, dilation)};
    return {at::conv_transpose3d(in[0], in[1], bias, stride, padding, extra, c.groups, dilation)};
  };
}

void add_convolutions(TorchTable& table) {
  table["conv1d"] = convolution({{"2x2x7_k3", {}},
                                 {"no_bias", {}},
                                 {"strided_padded_dilated", {{2}, {2}, {2}}},
                                 {"same_odd_reach", {.same = true}},
                                 {"groups_2", {{}, {1}, {}, 2}},
                                 {"depthwise", {{}, {1}, {}, 3}},
                                 {"one", {}},
                                 {"empty_batch", {}},
                                 {"tail_4x17x129", {{}, {2}}},
                                 {"without_batch", {}}});
  table["conv2d"] = convolution({{"1x2x4x5_k3x2", {}},
                                 {"padded_unevenly", {{}, {1, 2}}},
                                 {"strided_2x1", {{2, 1}, {0, 1}}},
                                 {"dilated", {{}, {1, 0}, {3, 2}}},
                                 {"groups_2", {{}, {1, 1}, {}, 2}},
                                 {"depthwise_multiplier", {{}, {1, 1}, {}, 2}},
                                 {"pointwise_1x1", {}},
                                 {"pointwise_strided", {{2, 2}}},
                                 {"pointwise_strided_padded", {{3, 2}, {1, 1}}},
                                 {"same_even_kernel", {.same = true}},
                                 {"stride_beyond_kernel", {{3, 4}}},
                                 {"empty_batch", {}},
                                 {"tail_3x17x13x9", {{}, {1, 1}}},
                                 {"image_2x3x20x20", {{2, 2}, {2, 2}}},
                                 {"pointwise_strided_tail", {{2, 2}}},
                                 {"depthwise_tail", {{}, {1, 1}, {}, 33}},
                                 {"threads_4x20x16x16", {{}, {1, 1}}},
                                 {"in_tiles_4x16x16x16", {{}, {1, 1}}},
                                 {"in_tiles_1x16x29x30", {{}, {2, 1}}}});
  table["conv3d"] = convolution({{"1x2x3x3x2_k2", {}},
                                 {"strided_padded", {{2, 1, 2}, {1, 1, 0}}},
                                 {"groups_2", {{}, {}, {}, 2}},
                                 {"pointwise_strided", {{2, 1, 1}}},
                                 {"empty_batch", {}},
                                 {"tail_2x5x7x6x5", {{}, {1, 1, 1}, {1, 2, 1}}}});
  table["conv_transpose1d"] = transpose({{"1x3x5_k3", {}},
                                         {"strided_padded", {{2}, {1}, {}, 1, false, {1}}},
                                         {"groups_2", {{2}, {}, {}, 2}},
                                         {"empty_batch", {}},
                                         {"tail_3x17x33", {{2}, {1}}}});
  table["conv_transpose2d"] = transpose({{"1x2x3x3_k2x3", {}},
                                         {"strided_padded", {{2, 3}, {1, 1}, {}, 1, false, {1, 2}}},
                                         {"dilated", {{}, {1, 0}, {2, 2}}},
                                         {"groups_2", {{2, 2}, {}, {}, 2}},
                                         {"pointwise_strided", {{2, 2}}},
                                         {"empty_batch", {}},
                                         {"tail_2x17x7x5", {{2, 2}, {1, 1}}}});
  table["conv_transpose3d"] = transpose({{"1x1x2x3x2_k2", {}},
                                         {"strided", {{2, 1, 2}, {0, 0, 1}}},
                                         {"empty_batch", {}},
                                         {"tail_2x5x3x4x3", {{1, 2, 1}, {1, 0, 1}}}});
}

/// A sample of op_table/pooling_rows.cpp; empty: the kernel, 0 and 1 for each axis.
struct Pool {
  Numbers kernel = {}, stride = {}, padding = {}, dilation = {};
  bool ceil_mode = false, count_padding = true;
  std::int64_t divisor = 0;
};
using Pools = std::map<std::string, Pool>;

TorchFunction max_pool(Pools list) {
  return [list = std::move(list)](In in, const std::string& sample) -> TorchTensors {
    const auto found = list.find(sample);
    if (found == list.end()) return {};
    const Pool& c = found->second;
    const std::int64_t axes = in[0].dim() - 2;
    const Numbers padding = or_all(c.padding, 0, axes), dilation = or_all(c.dilation, 1, axes);
    if (axes == 1) return {at::max_pool1d(in[0], c.kernel, c.stride, padding, dilation, c.ceil_mode)};
    if (axes == 2) return {at::max_pool2d(in[0], c.kernel, c.stride, padding, dilation, c.ceil_mode)};
    return {at::max_pool3d(in[0], c.kernel, c.stride, padding, dilation, c.ceil_mode)};
  };
}

TorchFunction avg_pool(Pools list) {
  return [list = std::move(list)](In in, const std::string& sample) -> TorchTensors {
    const auto found = list.find(sample);
    if (found == list.end()) return {};
    const Pool& c = found->second;
    const std::int64_t axes = in[0].dim() - 2;
    const Numbers padding = or_all(c.padding, 0, axes);
    const c10::optional<std::int64_t> divisor = c.divisor == 0 ? c10::optional<std::int64_t>() : c.divisor;
    if (axes == 1) return {at::avg_pool1d(in[0], c.kernel, c.stride, padding, c.ceil_mode, c.count_padding)};
    if (axes == 2) return {at::avg_pool2d(in[0], c.kernel, c.stride, padding, c.ceil_mode, c.count_padding, divisor)};
    return {at::avg_pool3d(in[0], c.kernel, c.stride, padding, c.ceil_mode, c.count_padding, divisor)};
  };
}

T adaptive(const T& x, const Numbers& output, bool largest) {
  switch (output.size()) {
    case 1: return largest ? std::get<0>(at::adaptive_max_pool1d(x, output)) : at::adaptive_avg_pool1d(x, output);
    case 2: return largest ? std::get<0>(at::adaptive_max_pool2d(x, output)) : at::adaptive_avg_pool2d(x, output);
    default: return largest ? std::get<0>(at::adaptive_max_pool3d(x, output)) : at::adaptive_avg_pool3d(x, output);
  }
}

void add_pools(TorchTable& table) {
  table["max_pool1d"] = max_pool({{"2x2x7_k3", {{3}, {1}}},
                                  {"strided_padded_dilated", {{2}, {2}, {1}, {3}}},
                                  {"ceil_mode", {{3}, {2}, {1}, {}, true}},
                                  {"one", {{1}}},
                                  {"empty_batch", {{2}}},
                                  {"wide_window_300", {{300}}},
                                  {"tail_3x33x65", {{3}, {2}}}});
  table["max_pool2d"] = max_pool({{"2x2x4x6_k2", {{2, 2}}},
                                  {"overlapping_3_by_2", {{3, 3}, {2, 2}}},
                                  {"padded_unevenly", {{3, 2}, {2, 1}, {1, 0}}},
                                  {"dilated", {{2, 3}, {1, 1}, {}, {2, 1}}},
                                  {"ceil_mode", {{2, 2}, {}, {}, {}, true}},
                                  {"gaps", {{1, 2}, {2, 3}}},
                                  {"no_channels", {{2, 2}}},
                                  {"tail_2x17x12x10", {{2, 2}}},
                                  {"tail_overlapping_2x35x9x9", {{3, 3}, {2, 2}, {1, 1}}},
                                  {"threads_8x32x32x32", {{2, 2}}}});
  table["max_pool3d"] = max_pool({{"1x2x2x4x3_k2", {{2, 2, 1}}},
                                  {"padded", {{2, 3, 2}, {1, 2, 2}, {1, 1, 0}}},
                                  {"empty_batch", {{2, 2, 1}}},
                                  {"tail_2x9x5x6x7", {{2, 2, 2}}}});
  table["avg_pool1d"] = avg_pool({{"2x2x7_k3", {{3}, {1}}},
                                  {"padded", {{4}, {2}, {2}}},
                                  {"padding_not_counted", {{4}, {2}, {2}, {}, false, false}},
                                  {"empty_batch", {{2}}},
                                  {"tail_3x33x65", {{3}, {2}}}});
  table["avg_pool2d"] = avg_pool({{"2x2x4x6_k2", {{2, 2}}},
                                  {"overlapping_padded", {{3, 3}, {2, 1}, {1, 1}}},
                                  {"padding_not_counted", {{3, 3}, {2, 1}, {1, 1}, {}, false, false}},
                                  {"ceil_mode", {{2, 2}, {}, {1, 1}, {}, true}},
                                  {"ceil_mode_not_counted", {{3, 2}, {2, 2}, {1, 0}, {}, true, false}},
                                  {"divisor", {{2, 3}, {}, {}, {}, false, true, 5}},
                                  {"empty_batch", {{2, 2}}},
                                  {"tail_2x17x12x10", {{2, 2}}},
                                  {"threads_8x32x32x32", {{3, 3}, {2, 2}, {1, 1}}}});
  table["avg_pool3d"] = avg_pool({{"1x2x2x4x3_k2", {{2, 2, 1}}},
                                  {"padded", {{2, 3, 2}, {1, 2, 2}, {1, 1, 0}, {}, false, false}},
                                  {"empty_batch", {{2, 2, 1}}},
                                  {"tail_2x9x5x6x7", {{2, 2, 2}}}});
  for (const bool largest : {true, false}) {
    const std::string kind = largest ? "max_pool" : "avg_pool";
    table["adaptive_" + kind] = [largest](In in, const std::string& sample) -> TorchTensors {
      const std::map<std::string, Numbers> outputs{{"line_2x3x7_to_3", {3}},
                                                   {"plane_1x2x5x7_to_2x3", {2, 3}},
                                                   {"exact_1x2x4x6_to_2x3", {2, 3}},
                                                   {"more_than_there_are_1x2x2x3_to_4x5", {4, 5}},
                                                   {"volume_1x2x3x4x3_to_2x2x1", {2, 2, 1}},
                                                   {"empty_batch_0x2x4x6_to_2x3", {2, 3}},
                                                   {"tail_2x33x9x7_to_4x4", {4, 4}}};
      const auto found = outputs.find(sample);
      if (found == outputs.end()) return {};
      return {adaptive(in[0], found->second, largest)};
    };
    table["global_" + kind] = [largest](In in, const std::string&) {
      return TorchTensors{adaptive(in[0], Numbers(static_cast<std::size_t>(in[0].dim() - 2), 1), largest)};
    };
  }
}

/// A sample of op_table/interpolate_rows.cpp: sizes, or else factors.
struct Resizing {
  Numbers size = {};
  std::vector<double> factors = {};
  bool exact = false, align = false, recompute = false;
};

/// `is_linear`: between elements, else by nearest ones.
T resized(const T& x, const Resizing& c, bool is_linear) {
  const auto axes = static_cast<std::size_t>(x.dim() - 2);
  Numbers size = c.size;
  std::vector<c10::optional<double>> scale(axes);
  for (std::size_t axis = 0; c.size.empty() && axis < axes; ++axis) {
    const double factor = c.factors.size() == 1 ? c.factors[0] : c.factors[axis];
    size.push_back(static_cast<std::int64_t>(
        std::floor(static_cast<double>(x.size(static_cast<std::int64_t>(axis) + 2)) * factor)));
    if (!c.recompute) scale[axis] = factor;
  }
  if (is_linear) {
    if (axes == 1) return at::upsample_linear1d(x, size, c.align, scale[0]);
    if (axes == 2) return at::upsample_bilinear2d(x, size, c.align, scale[0], scale[1]);
    return at::upsample_trilinear3d(x, size, c.align, scale[0], scale[1], scale[2]);
  }
  if (c.exact)
    return axes == 1 ? at::_upsample_nearest_exact1d(x, size, scale[0])
                     : at::_upsample_nearest_exact2d(x, size, scale[0], scale[1]);
  if (axes == 1) return at::upsample_nearest1d(x, size, scale[0]);
  if (axes == 2) return at::upsample_nearest2d(x, size, scale[0], scale[1]);
  return at::upsample_nearest3d(x, size, scale[0], scale[1], scale[2]);
}

TorchFunction resizing(std::map<std::string, Resizing> list, bool is_linear) {
  return [list = std::move(list), is_linear](In in, const std::string& sample) -> TorchTensors {
    const auto found = list.find(sample);
    if (found == list.end()) return {};
    return {resized(in[0], found->second, is_linear)};
  };
}

void add_resizings(TorchTable& table) {
  table["interpolate"] = resizing({{"line_2x2x5_to_8", {{8}}},
                                   {"plane_1x2x3x4_by_2", {{}, {2}}},
                                   {"smaller_1x2x5x7_to_2x3", {{2, 3}}},
                                   {"by_factors_2x1x4x5", {{}, {1.5, 0.6}}},
                                   {"recomputed_1x2x3x3", {{}, {1.7}, false, false, true}},
                                   {"volume_1x2x2x3x2_to_3x2x5", {{3, 2, 5}}},
                                   {"exact_1x2x3x5_to_4x2", {{4, 2}, {}, true}},
                                   {"exact_by_factor_2x1x5", {{}, {1.6}, true}},
                                   {"empty_batch_0x2x3_to_5", {{5}}},
                                   {"no_channels_2x0x3x3_by_2", {{}, {2}}},
                                   {"tail_2x17x5x7_by_2", {{}, {2}}},
                                   {"threads_4x8x32x32_by_2", {{}, {2}}}},
                                  false);
  table["interpolate_linear"] = resizing({{"line_2x2x5_to_8", {{8}}},
                                          {"line_aligned_2x2x5_to_9", {{9}, {}, false, true}},
                                          {"plane_1x2x3x4_by_2", {{}, {2}}},
                                          {"aligned_1x2x3x4_to_5x6", {{5, 6}, {}, false, true}},
                                          {"smaller_1x2x5x7_to_2x3", {{2, 3}}},
                                          {"smaller_aligned_1x2x5x7_to_2x3", {{2, 3}, {}, false, true}},
                                          {"aligned_to_one_1x2x3x3_to_1x2", {{1, 2}, {}, false, true}},
                                          {"one_element_2x2x1x1_to_3x2", {{3, 2}}},
                                          {"by_factors_2x1x4x5", {{}, {1.7, 0.6}}},
                                          {"recomputed_1x2x3x3", {{}, {1.7}, false, false, true}},
                                          {"same_size_1x1x3x4", {{3, 4}}},
                                          {"volume_1x2x2x3x2_to_3x2x5", {{3, 2, 5}}},
                                          {"volume_aligned_1x2x2x3x2_by_2", {{}, {2}, false, true}},
                                          {"empty_batch_0x2x3x3_to_5x5", {{5, 5}}},
                                          {"no_channels_2x0x3x3_by_2", {{}, {2}}},
                                          {"tail_2x17x5x7_by_2", {{}, {2}}},
                                          {"threads_4x8x32x32_by_2", {{}, {2}}}},
                                         true);
}

}  // namespace

void add_windows(TorchTable& table) {
  add_convolutions(table);
  add_pools(table);
  add_resizings(table);
}

}  // namespace dagrad::libtorch
