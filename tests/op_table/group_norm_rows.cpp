#include "dagrad/core/creation.h"
#include "dagrad/ops/normalization.h"
#include "op_table/normalization_cases.h"

namespace dagrad::op_table {
namespace {

struct Group {
  const char* name;
  Shape shape;
  std::int64_t groups;
  bool weight = true, bias = true;
};

NormCase group_case(const Group& s) {
  NormCase c{s.name, s.shape, by_group(s.shape, s.groups), s.weight, s.bias};
  c.call = [groups = s.groups](std::span<const Tensor> in) {
    return std::vector{group_norm(in[0], groups, in[1], in[2])};
  };
  return c;
}

NormCase instance_case(const Group& s) {
  NormCase c = group_case(s);
  c.call = [](std::span<const Tensor> in) { return std::vector{instance_norm(in[0], {}, {}, in[1], in[2])}; };
  return c;
}

std::vector<NormCase> cases(const std::vector<Group>& list, NormCase (*make)(const Group&) = group_case) {
  std::vector<NormCase> result;
  result.reserve(list.size());
  for (const Group& s : list) result.push_back(make(s));
  return result;
}

std::vector<NormCase> benchmarks(NormCase (*make)(const Group&), bool instance) {
  return cases({{"small_4x8x4x4", {4, 8, 4, 4}, instance ? 8 : 2},
                {"medium_8x32x8x8", {8, 32, 8, 8}, instance ? 32 : 8},
                {"large_32x32x32x32", {32, 32, 32, 32}, instance ? 32 : 8}},
               make);
}

Row group_norm_row() {
  Row row{.name = "group_norm",
          .formula = "(x - mean) / sqrt(variance + eps) weight + bias for groups of a sample's channels"};
  row.bad = {bad<DTypeError>(
                 "bool",
                 [] {
                   group_norm(zeros_of({2, 4}, boolean), 2);
                 },
                 "group_norm: src is bool (want f32, bf16 or f64)"),
             bad<ShapeError>(
                 "dimensions", [] { group_norm(zeros_of({4}), 2); },
                 "group_norm: src is [4] (want [N, C] or [N, C, spatial...], 2 to 5 dimensions)"),
             bad<ShapeError>(
                 "groups",
                 [] {
                   group_norm(zeros_of({2, 4, 3}), 3);
                 },
                 "group_norm: 3 groups for src [2, 4, 3] (want a number that divides its 4 channels)"),
             bad<ShapeError>(
                 "no_groups",
                 [] {
                   group_norm(zeros_of({2, 4}), 0);
                 },
                 "group_norm: 0 groups for src [2, 4] (want a number that divides its 4 channels)"),
             bad<ShapeError>(
                 "bias",
                 [] {
                   group_norm(zeros_of({2, 4}), 2, {}, zeros_of({2}));
                 },
                 "group_norm: bias is [2] (want [4], one for each channel)"),
             bad<UsageError>(
                 "eps",
                 [] {
                   group_norm(zeros_of({2, 4}), 2, {}, {}, -0.5);
                 },
                 "group_norm: eps is -0.5 (want at least 0)")};
  const Call call = [](std::span<const Tensor> in) { return std::vector{group_norm(in[0], 2, in[1], in[2])}; };
  const Array weight({4}, {2, -2, 1, 1}), bias({4}, {0.5, 4, 1, -1});
  row.edges = {{"equal_values_give_the_bias_and_no_gradient",
                {Array({1, 4, 2}, {3, 3, 3, 3, -1, -1, -1, -1}), Array(Shape{4}, 1.0), bias},
                {Array({1, 4, 2}, {0.5, 0.5, 4, 4, 1, 1, -1, -1})},
                {Array({1, 4, 2}), Array(Shape{4}), Array({4}, {2, 2, 2, 2})},
                call},
               {"one_value_in_a_group_gives_the_bias",
                {Array({2, 2}, {3, -1, 7, 8}), Array({2}, {2, 2}), Array({2}, {0.5, 4})},
                {Array({2, 2}, {0.5, 4, 0.5, 4})},
                {Array({2, 2}), Array(Shape{2}), Array({2}, {2, 2})},
                call},
               {"nan_spreads_over_its_group",
                {Array({1, 4}, {kNan, 1, 3, 3}), weight, bias},
                {Array({1, 4}, {kNan, kNan, 1, -1})},
                {},
                call}};
  return norm_row(std::move(row),
                  cases({{"matrix_3x6", {3, 6}, 2},
                         {"lines_2x4x3", {2, 4, 3}, 2},
                         {"images_2x4x3x2", {2, 4, 3, 2}, 2},
                         {"volumes_1x4x2x3x2", {1, 4, 2, 3, 2}, 2},
                         {"one_group_2x3x4", {2, 3, 4}, 1},
                         {"one_channel_each_2x3x5", {2, 3, 5}, 3},
                         {"no_weight_2x4x3", {2, 4, 3}, 2, false, true},
                         {"no_bias_2x4x3", {2, 4, 3}, 2, true, false},
                         {"plain_2x4x3", {2, 4, 3}, 2, false, false},
                         {"no_samples_0x4x3", {0, 4, 3}, 2},
                         {"no_positions_2x4x0", {2, 4, 0}, 2},
                         {"threads_8x12x31x7", {8, 12, 31, 7}, 3},
                         {"one_sample_1x12x61x37", {1, 12, 61, 37}, 4},
                         {"matrix_200x96", {200, 96}, 8},
                         {"blocks_2x2x4100", {2, 2, 4100}, 1}}),
                  benchmarks(group_case, false));
}

Row group_norm_backward_row() {
  Row row{.name = "group_norm_backward",
          .formula = "scale (v - mean(v) - n mean(v n)), sum(g n), sum(g), with n = (x - mean) scale, v = weight g"};
  return norm_backward_row(std::move(row),
                           cases({{"matrix_3x6", {3, 6}, 2},
                                  {"lines_2x4x3", {2, 4, 3}, 2},
                                  {"images_2x2x3x2", {2, 2, 3, 2}, 1},
                                  {"plain_2x4x3", {2, 4, 3}, 2, false, false},
                                  {"no_samples_0x4x3", {0, 4, 3}, 2},
                                  {"threads_4x12x31x7", {4, 12, 31, 7}, 3},
                                  {"one_sample_1x12x61x7", {1, 12, 61, 7}, 4},
                                  {"matrix_200x96", {200, 96}, 8}}),
                           benchmarks(group_case, false));
}

Row instance_norm_row() {
  Row row{.name = "instance_norm",
          .formula = "(x - mean) / sqrt(variance + eps) weight + bias for each channel of each sample"};
  row.bad = {bad<ShapeError>(
                 "dimensions",
                 [] {
                   instance_norm(zeros_of({2, 4}));
                 },
                 "instance_norm: src is [2, 4] (want [N, C, spatial...], 3 to 5 dimensions)"),
             bad<ShapeError>(
                 "one_value_per_channel",
                 [] {
                   instance_norm(zeros_of({5, 3, 1, 1}));
                 },
                 "instance_norm: takes the variance of each channel's values in a sample: src is [5, 3, 1, 1], 1 per "
                 "channel (want at least 2: a larger spatial size, or use_input_stats = false)"),
             bad<ShapeError>(
                 "weight",
                 [] {
                   instance_norm(zeros_of({2, 3, 4}), {}, {}, zeros_of({4}));
                 },
                 "instance_norm: weight is [4] (want [3], one for each channel)"),
             bad<UsageError>(
                 "one_estimate",
                 [] {
                   instance_norm(zeros_of({2, 3, 4}), {}, zeros_of({3}));
                 },
                 "instance_norm: running_mean is undefined (want both running estimates or neither)"),
             bad<UsageError>(
                 "no_estimates",
                 [] {
                   instance_norm(zeros_of({2, 3, 4}), {}, {}, {}, {}, {.use_input_stats = false});
                 },
                 "instance_norm: running_mean is undefined (want both running estimates, or use_input_stats = true)"),
             bad<UsageError>(
                 "momentum",
                 [] {
                   instance_norm(zeros_of({2, 3, 4}), {}, {}, {}, {}, {.momentum = -0.1});
                 },
                 "instance_norm: momentum is -0.1 (want 0 to 1)")};
  return norm_row(std::move(row),
                  cases({{"lines_2x3x5", {2, 3, 5}, 3},
                         {"images_2x3x3x2", {2, 3, 3, 2}, 3},
                         {"volumes_1x2x2x3x2", {1, 2, 2, 3, 2}, 2},
                         {"two_values_2x3x2", {2, 3, 2}, 3},
                         {"plain_2x3x4", {2, 3, 4}, 3, false, false},
                         {"no_samples_0x3x4", {0, 3, 4}, 3},
                         {"threads_8x12x31x7", {8, 12, 31, 7}, 12}},
                        instance_case),
                  benchmarks(instance_case, true));
}

}  // namespace

std::vector<Row> group_norm_rows() { return {group_norm_row(), group_norm_backward_row(), instance_norm_row()}; }

}  // namespace dagrad::op_table
