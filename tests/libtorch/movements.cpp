// Ops that move elements: views, arrangements, diagonals, parts, indices.
#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;

Samples shaped(const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  Samples result;
  for (const auto& [name, shape] : shapes) {
    result[name] = [shape = shape](In in) { return in[0].reshape(shape); };
  }
  return result;
}

void add_shapes(TorchTable& table) {
  table["reshape"] = by_sample(shaped({{"scalar_to_1", {1}},
                                       {"one_to_scalar", {}},
                                       {"3x17_to_51", {51}},
                                       {"6x4_to_2x3x4", {2, 3, 4}},
                                       {"6x4_to_8x3", {8, -1}},
                                       {"2x1x6_to_3x4", {3, 4}},
                                       {"empty_0x3_to_0", {0}},
                                       {"large_64x1031", {1031, 64}}}));
  Samples view = shaped(
      {{"scalar_to_1", {1}}, {"3x17_to_3x1x17", {3, 1, 17}}, {"1x6x4_to_6x4", {-1, 4}}, {"empty_0x3_to_0x2", {0, 2}}});
  view["transposed_4x6_to_2x3x4"] = [](In in) { return in[0].t().view({2, 3, 4}); };
  table["view"] = by_sample(view);
  table["flatten"] = by_sample({{"all_2x3x4", [](In in) { return in[0].flatten(); }},
                                {"from_1_2x3x4", [](In in) { return in[0].flatten(1); }},
                                {"first_two_2x3x4", [](In in) { return in[0].flatten(0, 1); }},
                                {"scalar", [](In in) { return in[0].flatten(); }},
                                {"empty_0x3x2", [](In in) { return in[0].flatten(1); }}});
  table["squeeze"] = by_sample({{"all_1x3x1", [](In in) { return in[0].squeeze(); }},
                                {"axis_5x1x2", [](In in) { return in[0].squeeze(1); }},
                                {"last_3x1", [](In in) { return in[0].squeeze(-1); }},
                                {"nothing_2x3", [](In in) { return in[0].squeeze(); }},
                                {"scalar", [](In in) { return in[0].squeeze(0); }},
                                {"empty_1x0", [](In in) { return in[0].squeeze(0); }}});
  table["unsqueeze"] = by_sample({{"first_17", [](In in) { return in[0].unsqueeze(0); }},
                                  {"last_3x4", [](In in) { return in[0].unsqueeze(-1); }},
                                  {"middle_3x4", [](In in) { return in[0].unsqueeze(1); }},
                                  {"scalar", [](In in) { return in[0].unsqueeze(0); }},
                                  {"empty", [](In in) { return in[0].unsqueeze(0); }}});
  const auto same = [](In in, const std::string&) { return TorchTensors{in[0].clone()}; };
  table["clone"] = table["argument"] = same;
  table["contiguous"] = [](In in, const std::string& sample) {
    return TorchTensors{(sample == "transposed_3x17" ? in[0].t() : in[0]).contiguous()};
  };
  table["channels_last"] = [](In in, const std::string&) {
    if (in[0].dim() == 3) return TorchTensors{in[0].clone()};
    return TorchTensors{
        in[0].contiguous(in[0].dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d)};
  };
}

void add_orders_of_axes(TorchTable& table) {
  table["transpose"] = [](In in, const std::string& sample) {
    if (sample == "outer_2x3x5" || sample == "scalar") return TorchTensors{in[0].transpose(0, -1)};
    if (sample == "itself_3x4") return TorchTensors{in[0].transpose(1, 1)};
    return TorchTensors{in[0].transpose(-2, -1)};
  };
  table["swapaxes"] = by_sample({{"2x3x5", [](In in) { return in[0].swapaxes(0, 2); }},
                                 {"negative_3x4", [](In in) { return in[0].swapaxes(-1, 0); }},
                                 {"empty_0x3", [](In in) { return in[0].swapaxes(0, 1); }},
                                 {"scalar", [](In in) { return in[0].swapaxes(-1, 0); }}});
  table["movedim"] = by_sample({{"to_the_end_2x3x4", [](In in) { return in[0].movedim(0, -1); }},
                                {"to_the_front_2x3x4", [](In in) { return in[0].movedim(-1, 0); }},
                                {"two_2x3x4x2",
                                 [](In in) {
                                   return in[0].movedim({0, 3}, {2, 1});
                                 }},
                                {"scalar", [](In in) { return in[0].movedim(0, 0); }},
                                {"empty_0x1", [](In in) { return in[0].movedim(0, 1); }}});
  table["permute"] = by_sample({{"2x3x4_to_4x2x3",
                                 [](In in) {
                                   return in[0].permute({2, 0, 1});
                                 }},
                                {"negative_2x3x4",
                                 [](In in) {
                                   return in[0].permute({-1, 0, 1});
                                 }},
                                {"channels_last_2x3x2x5",
                                 [](In in) {
                                   return in[0].permute({0, 2, 3, 1});
                                 }},
                                {"one_17", [](In in) { return in[0].permute({0}); }},
                                {"scalar", [](In in) { return in[0].permute(at::IntArrayRef{}); }},
                                {"empty_2x0x3", [](In in) {
                                   return in[0].permute({2, 0, 1});
                                 }}});
}

void add_repeats(TorchTable& table) {
  const auto expanded = [](const std::map<std::string, std::vector<std::int64_t>>& shapes) {
    Samples result;
    for (const auto& [name, shape] : shapes) {
      result[name] = [shape = shape](In in) { return in[0].expand(shape); };
    }
    return by_sample(result);
  };
  table["expand"] = expanded({{"scalar_to_3x4", {3, 4}},
                              {"row_17_to_3x17", {3, -1}},
                              {"column_5x1_to_5x4", {5, 4}},
                              {"middle_2x1x3", {2, 4, 3}},
                              {"to_itself_3x4", {3, 4}},
                              {"to_nothing_1x3", {0, 3}},
                              {"empty_0x1_to_2x0x4", {2, 0, 4}},
                              {"threads_257_to_600x257", {600, 257}}});
  table["broadcast_to"] = expanded({{"scalar_to_3x4", {3, 4}},
                                    {"column_5x1_to_2x5x4", {2, 5, 4}},
                                    {"to_itself_3x4", {3, 4}},
                                    {"to_nothing_1x3", {0, 3}},
                                    {"empty_0x1_to_0x4", {0, 4}}});
  const auto tiled = [](const std::map<std::string, std::vector<std::int64_t>>& times, bool by_repeat) {
    Samples result;
    for (const auto& [name, n] : times) {
      result[name] = [n = n, by_repeat](In in) { return by_repeat ? in[0].repeat(n) : in[0].tile(n); };
    }
    return by_sample(result);
  };
  table["tile"] = tiled({{"last_3x4", {2}},
                         {"both_3x4", {2, 3}},
                         {"new_axes_5", {2, 1, 3}},
                         {"none_3x4", {}},
                         {"never_5", {0}},
                         {"scalar", {3}},
                         {"empty_0x2", {2, 2}}},
                        false);
  table["repeat"] = tiled({{"both_3x4", {2, 3}},
                           {"middle_2x3x2", {1, 4, 1}},
                           {"new_axis_3x1", {2, 1, 5}},
                           {"once_17", {1}},
                           {"scalar", {}},
                           {"empty_0x2", {2, 3}},
                           {"large_64x257", {1, 5}}},
                          true);
  const auto in_a_row = [](std::int64_t times, std::int64_t axis) {
    return [=](In in) { return in[0].repeat_interleave(times, axis); };
  };
  table["repeat_interleave"] =
      by_sample({{"17_by_3", in_a_row(3, 0)},
                 {"rows_3x4_by_2", in_a_row(2, 0)},
                 {"middle_2x3x2_by_4", in_a_row(4, 1)},
                 {"never_3", in_a_row(0, 0)},
                 {"empty_0x3_by_2", in_a_row(2, 1)},
                 {"flat_3x2_by_2", [](In in) { return in[0].repeat_interleave(2); }},
                 {"scalar_by_3", [](In in) { return in[0].reshape({1}).repeat_interleave(3, 0); }},
                 {"large_64x257_by_5", in_a_row(5, 1)}});
}

void add_counted_repeats(TorchTable& table) {
  const auto by = [](const std::vector<std::int64_t>& counts, std::int64_t axis) {
    return [=](In in) { return in[0].repeat_interleave(at::tensor(counts), axis); };
  };
  table["repeat_interleave_counts"] =
      by_sample({{"vector_5", by({2, 0, 1, 3, 1}, 0)},
                 {"columns_3x4", by({1, 0, 4, 2}, 1)},
                 {"one_count_for_all_2x3", by({2}, 1)},
                 {"never_3", by({0, 0, 0}, 0)},
                 {"empty_0x3", by({1, 2, 3}, 1)},
                 {"large_64x257", by({3}, 1)},
                 {"flat_2x2", [](In in) {
                    return in[0].repeat_interleave(at::tensor(std::vector<std::int64_t>{1, 2, 0, 1}));
                  }}});
}

void add_turns(TorchTable& table) {
  const auto flipped = [](std::vector<std::int64_t> axes) {
    return [axes = std::move(axes)](In in) { return in[0].flip(axes); };
  };
  table["flip"] = by_sample({{"17", flipped({0})},
                             {"rows_3x4", flipped({0})},
                             {"both_3x4", flipped({0, -1})},
                             {"middle_2x5x3", flipped({1})},
                             {"nothing_3x4", flipped({})},
                             {"one_1", flipped({0})},
                             {"scalar", flipped({})},
                             {"empty_0x3", flipped({0})},
                             {"large_64x1031", flipped({1})}});
  const auto rolled = [](std::vector<std::int64_t> shifts, std::vector<std::int64_t> axes) {
    return [=](In in) { return in[0].roll(shifts, axes); };
  };
  table["roll"] = by_sample({{"17_by_3", rolled({3}, {0})},
                             {"17_by_minus_40", rolled({-40}, {0})},
                             {"both_3x5", rolled({1, -2}, {0, 1})},
                             {"twice_5x2", rolled({1, 2}, {0, -2})},
                             {"middle_2x5x3", rolled({2}, {1})},
                             {"by_0_4", rolled({0}, {0})},
                             {"by_its_size_4", rolled({4}, {0})},
                             {"flat_3x4_by_5", rolled({5}, {})},
                             {"scalar", rolled({1}, {})},
                             {"empty_0x3", rolled({1}, {0})},
                             {"large_64x1031", rolled({5, 100}, {0, 1})}});
}

/// libtorch pads with what is not a constant only the last axes of [N, C, ...] or [C, ...], so that axes are added.
T padded(const T& x, const std::vector<std::int64_t>& pads, const std::string& mode, double value) {
  if (mode == "constant") return at::constant_pad_nd(x, pads, value);
  const auto axes = static_cast<std::int64_t>(pads.size()) / 2;
  T y = x;
  while (y.dim() < axes + 2) y = y.unsqueeze(0);
  if (mode == "reflect") y = axes == 1 ? at::reflection_pad1d(y, pads) : at::reflection_pad2d(y, pads);
  if (mode == "replicate")
    y = axes == 1   ? at::replication_pad1d(y, pads)
        : axes == 2 ? at::replication_pad2d(y, pads)
                    : at::replication_pad3d(y, pads);
  while (y.dim() > x.dim()) y = y.squeeze(0);
  return y;
}

void add_pads(TorchTable& table) {
  const auto with = [](std::vector<std::int64_t> pads, std::string mode = "constant", double value = 0) {
    return [=](In in) { return padded(in[0], pads, mode, value); };
  };
  // Not reflect and replicate with negative sizes, sources without rows, and circular.
  table["pad"] = by_sample({{"constant_17", with({2, 3}, "constant", 7)},
                            {"constant_3x4", with({1, 0, 2, 1})},
                            {"constant_first_axis_2x3x2", with({0, 0, 0, 0, 1, 2}, "constant", -1)},
                            {"constant_image_1x2x3x4", with({1, 1, 1, 1})},
                            {"crop_5x6", with({-1, -2, -2, 0})},
                            {"crop_and_grow_5x6", with({-2, 3, 1, -4}, "constant", 3)},
                            {"nothing_3x4", with({})},
                            {"by_0_3x4", with({0, 0})},
                            {"scalar", with({})},
                            {"empty_0x2", with({1, 0, 2, 1}, "constant", 5)},
                            {"reflect_17", with({4, 3}, "reflect")},
                            {"reflect_3x4", with({3, 1, 1, 2}, "reflect")},
                            {"reflect_batch_2x2x3x3", with({1, 1, 2, 2}, "reflect")},
                            {"replicate_5", with({3, 2}, "replicate")},
                            {"replicate_2x1x3", with({1, 2, 3, 0, 0, 1}, "replicate")},
                            {"large_reflect_4x3x65x67", with({2, 3, 1, 1}, "reflect")},
                            {"large_constant_4x3x65x67", with({2, 3, 1, 1}, "constant", 1)}});
  const auto back = [](std::vector<std::int64_t> shape, std::vector<std::int64_t> pads, std::string mode) {
    return [=](In in) { return adjoint(in[0], shape, [&](const T& x) { return padded(x, pads, mode, 0); }); };
  };
  table["pad_backward"] = by_sample({{"reflect_17", back({17}, {4, 3}, "reflect")},
                                     {"reflect_3x4", back({3, 4}, {3, 1, 1, 2}, "reflect")},
                                     {"replicate_2x1x3", back({2, 1, 3}, {1, 2, 3, 0}, "replicate")},
                                     {"large_4x3x65x67", back({4, 3, 65, 67}, {2, 3, 1, 1}, "reflect")}});
}

void add_parts(TorchTable& table) {
  const auto cut = [](std::int64_t axis, std::int64_t start, std::int64_t end, std::int64_t step = 1) {
    return [=](In in) { return in[0].slice(axis, start, end, step); };
  };
  table["slice"] = by_sample({{"17", cut(0, 3, 12)},
                              {"step_3x17", cut(1, 1, 16, 3)},
                              {"from_the_end_7x3", cut(0, -4, -1)},
                              {"clipped_5", cut(0, -100, 100)},
                              {"middle_2x5x3", cut(1, 0, 5, 2)},
                              {"nothing_5x2", cut(0, 4, 2)},
                              {"empty_0x2", cut(0, 0, 4, 3)},
                              {"of_empty_rows_3x0", cut(0, 1, 3)},
                              {"large_64x1031", cut(1, 1, 1031, 2)}});
  table["narrow"] = by_sample({{"17", [](In in) { return in[0].narrow(0, 3, 9); }},
                               {"columns_3x17", [](In in) { return in[0].narrow(-1, 5, 7); }},
                               {"whole_5", [](In in) { return in[0].narrow(0, 0, 5); }},
                               {"nothing_5", [](In in) { return in[0].narrow(0, 5, 0); }},
                               {"empty_0x2", [](In in) { return in[0].narrow(0, 0, 0); }}});
  table["select"] = by_sample({{"row_3x17", [](In in) { return in[0].select(0, 1); }},
                               {"last_row_3x17", [](In in) { return in[0].select(0, -1); }},
                               {"column_5x4", [](In in) { return in[0].select(1, 2); }},
                               {"of_vector_5", [](In in) { return in[0].select(0, 4); }},
                               {"middle_2x3x4", [](In in) { return in[0].select(-2, 0); }},
                               {"empty_row_3x0", [](In in) { return in[0].select(0, 1); }}});
  const auto back = [](std::vector<std::int64_t> shape, std::int64_t axis, std::int64_t start, std::int64_t length,
                       std::int64_t step) {
    return [=](In in) { return at::slice_backward(in[0], shape, axis, start, start + length * step, step); };
  };
  table["slice_backward"] = by_sample({{"17", back({17}, 0, 3, 9, 1)},
                                       {"step_3x16", back({3, 16}, 1, 1, 5, 3)},
                                       {"nothing_5x2", back({5, 2}, 0, 4, 0, 1)},
                                       {"large_64x1032", back({64, 1032}, 1, 1, 515, 2)}});
  table["cat"] = [](In in, const std::string& sample) {
    const bool columns = sample.starts_with("columns") || sample.starts_with("middle") || sample.starts_with("large");
    return TorchTensors{at::cat(in, columns ? 1 : 0)};
  };
  table["stack"] = [](In in, const std::string& sample) {
    return TorchTensors{at::stack(in, sample.starts_with("columns") || sample.starts_with("middle") ? 1 : 0)};
  };
  table["split"] = [](In in, const std::string& sample) -> TorchTensors {
    if (sample == "by_4_of_10") return in[0].split(4);
    if (sample == "by_2_of_3x4") return in[0].split(2, 1);
    if (sample == "by_more_5x2") return in[0].split(9);
    if (sample == "by_1_of_nothing_0x2") return in[0].split(1);
    if (sample == "by_list_2x7x3") return in[0].split_with_sizes({3, 0, 4}, -2);
    if (sample == "by_list_one_3") return in[0].split_with_sizes({3});
    if (sample == "large_64x1031") return in[0].split(257, 1);
    return {};
  };
  table["chunk"] = [](In in, const std::string& sample) -> TorchTensors {
    if (sample == "3_of_10") return in[0].chunk(3);
    if (sample == "4_of_3x8") return in[0].chunk(4, -1);
    if (sample == "fewer_than_asked_4_of_5") return in[0].chunk(4);
    if (sample == "5_of_3") return in[0].chunk(5);
    if (sample == "2_of_empty_rows_4x0") return in[0].chunk(2);
    return {};
  };
  table["unbind"] = [](In in, const std::string& sample) { return in[0].unbind(sample == "columns_2x5x3" ? -2 : 0); };
}

void add_unfolds(TorchTable& table) {
  const auto windows = [](std::int64_t axis, std::int64_t size, std::int64_t step) {
    return [=](In in) { return in[0].unfold(axis, size, step); };
  };
  table["unfold"] = by_sample({{"17_by_5_step_2", windows(0, 5, 2)},
                               {"middle_2x7x3_by_3_step_1", windows(1, 3, 1)},
                               {"apart_3x11_by_2_step_4", windows(1, 2, 4)},
                               {"whole_6_by_6", windows(0, 6, 1)},
                               {"one_each_5x2", windows(0, 1, 1)},
                               {"nothing_in_each_4", windows(0, 0, 1)},
                               {"empty_0x5_by_2", windows(1, 2, 1)},
                               {"large_16x4099_by_400_step_160", windows(1, 400, 160)}});
  const auto back = [](std::vector<std::int64_t> shape, std::int64_t axis, std::int64_t size, std::int64_t step) {
    return [=](In in) { return at::unfold_backward(in[0], shape, axis, size, step); };
  };
  table["unfold_backward"] = by_sample({{"17_by_5_step_2", back({17}, 0, 5, 2)},
                                        {"middle_2x7x3_by_3_step_1", back({2, 7, 3}, 1, 3, 1)},
                                        {"apart_3x11_by_2_step_4", back({3, 11}, 1, 2, 4)},
                                        {"empty_0x5_by_2", back({0, 5}, 1, 2, 1)},
                                        {"large_16x4099_by_400_step_160", back({16, 4099}, 1, 400, 160)}});
}

void add_diagonals(TorchTable& table) {
  const auto line = [](std::int64_t offset, std::int64_t axis1 = 0, std::int64_t axis2 = 1) {
    return [=](In in) { return in[0].diagonal(offset, axis1, axis2); };
  };
  table["diagonal"] = by_sample({{"5x5", line(0)},
                                 {"above_3x7", line(2)},
                                 {"below_5x3", line(-1)},
                                 {"batch_2x3x4", line(0, 1, 2)},
                                 {"outer_axes_3x2x4", line(1, 0, 2)},
                                 {"axes_turned_3x4", line(1, 1, 0)},
                                 {"corner_4x4", line(3)},
                                 {"beyond_3x3", line(5)},
                                 {"one_1x1", line(0)},
                                 {"empty_0x3", line(0)},
                                 {"large_3x67x129", line(7, 1, 2)}});
  const auto embedded = [](std::int64_t offset, std::int64_t axis1 = 0, std::int64_t axis2 = 1) {
    return [=](In in) { return at::diag_embed(in[0], offset, axis1, axis2); };
  };
  table["diag_embed"] = by_sample({{"5", embedded(0)},
                                   {"above_3", embedded(2)},
                                   {"below_3", embedded(-1)},
                                   {"batch_2x3", embedded(0, 1, 2)},
                                   {"outer_axes_2x3", embedded(1, 0, 2)},
                                   {"axes_turned_3", embedded(1, 1, 0)},
                                   {"empty_0", embedded(0)},
                                   {"large_3x129", embedded(0, 1, 2)}});
  table["diag"] = by_sample({{"matrix_4x4", [](In in) { return at::diag(in[0], 0); }},
                             {"matrix_3x5_below", [](In in) { return at::diag(in[0], -1); }},
                             {"vector_4", [](In in) { return at::diag(in[0], 0); }},
                             {"vector_3_above", [](In in) { return at::diag(in[0], 1); }},
                             {"empty_matrix_0x3", [](In in) { return at::diag(in[0], 0); }},
                             {"empty_vector_0", [](In in) { return at::diag(in[0], 1); }}});
  table["trace"] = of1([](const T& x) { return at::trace(x); });
  const auto triangle = [](bool upper) {
    return [upper](In in, const std::string& sample) {
      std::int64_t offset = 0;
      if (sample == "above_3x7") offset = 1;
      if (sample == "below_5x3") offset = -1;
      if (sample == "all_4x4") offset = upper ? -100 : 100;
      if (sample == "large_3x167x259") offset = 5;
      return TorchTensors{upper ? at::triu(in[0], offset) : at::tril(in[0], offset)};
    };
  };
  table["triu"] = triangle(true);
  table["tril"] = triangle(false);
}

/// The axis that the names of samples with indices tell.
std::int64_t axis_named(const std::string& sample) {
  for (const char* second : {"columns_3x17", "middle", "threads_columns", "threads_middle", "last", "threads_last",
                             "index_shorter", "no_indices_3x4_", "empty_0x4"}) {
    if (sample.starts_with(second)) return 1;
  }
  return 0;
}

/// What a sample of bincount is named for.
std::int64_t minlength_of(const std::string& sample) {
  const std::string word = "minlength_";
  const std::size_t at = sample.find(word);
  return at == std::string::npos ? 0 : std::stoll(sample.substr(at + word.size()));
}

void add_indexing(TorchTable& table) {
  table["index_select"] = [](In in, const std::string& s) {
    return TorchTensors{at::index_select(in[0], axis_named(s), in[1])};
  };
  table["index_add"] = [](In in, const std::string& s) {
    return TorchTensors{at::index_add(in[0], axis_named(s), in[1], in[2], s == "scaled_4x3" ? 3 : 1)};
  };
  // Where there are no indices, the samples for each element go along the second axis.
  const auto axis = [](const std::string& s) { return s == "no_indices_3x4" ? 1 : axis_named(s); };
  table["gather"] = [axis](In in, const std::string& s) { return TorchTensors{at::gather(in[0], axis(s), in[1])}; };
  table["scatter"] = [axis](In in, const std::string& s) {
    return TorchTensors{at::scatter(in[0], axis(s), in[1], in[2])};
  };
  table["scatter_number"] = [axis](In in, const std::string& s) {
    return TorchTensors{at::scatter(in[0], axis(s), in[1], -2)};
  };
  table["scatter_add"] = [axis](In in, const std::string& s) {
    return TorchTensors{at::scatter_add(in[0], axis(s), in[1], in[2])};
  };
  table["take"] = of2([](const T& x, const T& index) { return at::take(x, index); });
  table["nonzero"] = of1([](const T& x) { return at::nonzero(x); });
  table["meshgrid"] = [](In in, const std::string& sample) {
    return at::meshgrid(in, sample.starts_with("xy") ? "xy" : "ij");
  };
  table["bincount"] = [](In in, const std::string& sample) -> TorchTensors {
    return {at::bincount(in[0], {}, minlength_of(sample))};
  };
  table["bincount_weighted"] = [](In in, const std::string& sample) -> TorchTensors {
    return {at::bincount(in[1], in[0], minlength_of(sample))};
  };
  table["unique"] = of1([](const T& x) { return std::get<0>(at::_unique2(x)); });
  table["unique_inverse_and_counts"] = [](In in, const std::string&) -> TorchTensors {
    const auto [values, inverse, counts] = at::_unique2(in[0], true, true, true);
    return {inverse, counts};
  };
  table["masked_select"] = of2([](const T& x, const T& mask) { return at::masked_select(x, mask); });
  const auto padding = [](const std::string& sample) -> std::int64_t {
    if (sample == "padding_4x3_by_3x4") return 1;
    if (sample == "padding_from_the_end_4x3") return 4 - 2;
    if (sample == "threads_padding_50x130_by_2000") return 7;
    return -1;
  };
  table["embedding"] = [padding](In in, const std::string& sample) {
    return TorchTensors{at::embedding(in[0], in[1], padding(sample))};
  };
  table["embedding_backward"] = [padding](In in, const std::string& sample) -> TorchTensors {
    const std::map<std::string, std::int64_t> rows{{"scalar_index_3x5", 3},
                                                   {"one_1x1", 1},
                                                   {"7x5_by_4", 7},
                                                   {"6x3_by_2x5", 6},
                                                   {"padding_4x3_by_3x4", 4},
                                                   {"padding_from_the_end_4x3", 4},
                                                   {"no_indices_5x3", 5},
                                                   {"no_columns_5x0", 5},
                                                   {"threads_300x257_by_40x17", 300},
                                                   {"threads_padding_50x130_by_2000", 50}};
    const auto found = rows.find(sample);
    if (found == rows.end()) return {};
    return {at::embedding_backward(in[0], in[1], found->second, padding(sample), false, false)};
  };
  table["one_hot"] = [](In in, const std::string& sample) -> TorchTensors {
    const std::map<std::string, std::int64_t> classes{{"scalar", 3},   {"one_class", 1},  {"17_of_5", 5},
                                                      {"2x3_of_7", 7}, {"no_indices", 4}, {"large_3000_of_33", 33}};
    const auto found = classes.find(sample);
    if (found == classes.end()) return {};
    return {at::one_hot(in[0], found->second)};
  };
}

}  // namespace

void add_movements(TorchTable& table) {
  add_shapes(table);
  add_orders_of_axes(table);
  add_repeats(table);
  add_counted_repeats(table);
  add_turns(table);
  add_pads(table);
  add_parts(table);
  add_unfolds(table);
  add_diagonals(table);
  add_indexing(table);
}

}  // namespace dagrad::libtorch
