// Reductions, statistics, scans, softmax and orders.
#include <algorithm>
#include <limits>
#include <optional>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// What a sample of a reduction reduces over.
struct Over {
  std::vector<std::int64_t> axes = {};  // empty: all
  bool keepdim = false;
};

/// The axes of reduction_samples() in op_table/reductions.cpp, by the sample's name.
std::optional<Over> over_named(std::string sample) {
  static const std::map<std::string, Over> list{{"scalar", {}},
                                                {"one", {}},
                                                {"all_17", {}},
                                                {"all_3x33", {}},
                                                {"last_4x33", {{-1}}},
                                                {"last_kept_4x17", {{-1}, true}},
                                                {"first_33x4", {{0}}},
                                                {"first_kept_7x5", {{0}, true}},
                                                {"middle_3x5x4", {{1}}},
                                                {"outer_3x5x4", {{0, -1}}},
                                                {"leading_3x5x4", {{1, 0}}},
                                                {"trailing_2x3x4x5", {{2, 3}, true}},
                                                {"channels_3x4x3x3", {{0, 2, 3}}},
                                                {"size_1_axis_5x1", {{1}}},
                                                {"empty_result_0x3", {{1}}},
                                                {"empty_all", {}},
                                                {"empty_axis_3x0", {{1}}},
                                                {"empty_leading_axis_0x3", {{0}}},
                                                {"blocks_9001", {}},
                                                {"wide_rows_3x4500", {{1}}},
                                                {"wide_columns_300x1100", {{0}}},
                                                {"short_rows_500x3", {{1}}},
                                                {"few_columns_2000x3", {{0}}},
                                                {"channels_7x5x11x13", {{0, 2, 3}}},
                                                {"threads_all_200003", {}},
                                                {"threads_last_300x1031", {{1}}},
                                                {"threads_long_rows_3x70001", {{1}}},
                                                {"threads_first_600x257", {{0}}},
                                                {"threads_few_columns_50000x3", {{0}}},
                                                {"threads_middle_40x50x67", {{1}}},
                                                {"threads_channels_16x5x33x37", {{0, 2, 3}}},
                                                {"far_from_0_11x17", {{1}}},
                                                {"far_from_0_17x11", {{0}}}};
  const auto found = list.find(sample);
  if (found == list.end()) return {};
  return found->second;
}

/// f(x, axes, keepdim) for the axes that the sample's name tells.
TorchFunction reducing(std::function<T(const T&, const std::vector<std::int64_t>&, bool)> f) {
  return [f = std::move(f)](In in, const std::string& sample) -> TorchTensors {
    const std::optional<Over> over = over_named(sample);
    if (!over) return {};
    std::vector<std::int64_t> axes = over->axes;
    for (std::int64_t i = 0; over->axes.empty() && i < in[0].dim(); ++i) axes.push_back(i);
    return {f(in[0], axes, over->keepdim)};
  };
}

/// One axis at a time, from the last, for functions of libtorch that take one.
T one_by_one(const T& x, std::vector<std::int64_t> axes, bool keepdim, T (*f)(const T&, std::int64_t, bool)) {
  for (std::int64_t& axis : axes) axis = axis < 0 ? axis + x.dim() : axis;
  std::sort(axes.rbegin(), axes.rend());
  T y = x;
  for (const std::int64_t axis : axes) y = f(y, axis, keepdim);
  return axes.empty() ? f(x.reshape({1}), 0, false) : y;
}

/// The axes as one, the last, for functions that reduce only one.
T along_last(const T& x, std::vector<std::int64_t> axes, bool keepdim, const std::function<T(const T&)>& f) {
  std::vector<std::int64_t> rest, order, kept = x.sizes().vec();
  for (std::int64_t& axis : axes) axis = axis < 0 ? axis + x.dim() : axis;
  for (std::int64_t i = 0; i < x.dim(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      rest.push_back(x.size(i));
      order.push_back(i);
    } else {
      kept[static_cast<std::size_t>(i)] = 1;
    }
  }
  std::sort(axes.begin(), axes.end());
  order.insert(order.end(), axes.begin(), axes.end());
  std::int64_t length = 1;
  for (const std::int64_t axis : axes) length *= x.size(axis);
  std::vector<std::int64_t> shape = rest;
  shape.push_back(length);
  return f(x.permute(order).reshape(shape)).reshape(keepdim ? kept : rest);
}

void add_sums(TorchTable& table) {
  using Axes = std::vector<std::int64_t>;
  table["sum"] = reducing([](const T& x, const Axes& axes, bool keep) { return at::sum(x, axes, keep); });
  table["mean"] = reducing([](const T& x, const Axes& axes, bool keep) { return at::mean(x, axes, keep); });
  table["amax"] = table["max"] =
      reducing([](const T& x, const Axes& axes, bool keep) { return at::amax(x, axes, keep); });
  table["amin"] = table["min"] =
      reducing([](const T& x, const Axes& axes, bool keep) { return at::amin(x, axes, keep); });
  table["logsumexp"] = reducing([](const T& x, const Axes& axes, bool keep) {
    return axes.empty() ? at::logsumexp(x.reshape({1}), 0) : at::logsumexp(x, axes, keep);
  });
  table["median"] = reducing([](const T& x, const Axes& axes, bool keep) {
    return along_last(x, axes, keep, [](const T& y) { return std::get<0>(at::median(y, -1)); });
  });
  const auto one = [](T (*f)(const T&, std::int64_t, bool)) {
    return reducing([f](const T& x, const Axes& axes, bool keep) { return one_by_one(x, axes, keep, f); });
  };
  table["all"] = one([](const T& x, std::int64_t axis, bool keep) { return at::all(x, axis, keep); });
  table["any"] = one([](const T& x, std::int64_t axis, bool keep) { return at::any(x, axis, keep); });
  const TorchFunction prod = one([](const T& x, std::int64_t axis, bool keep) { return at::prod(x, axis, keep); });
  table["prod"] = [prod](In in, const std::string& sample) {
    if (!sample.starts_with("zeros_")) return prod(in, sample);
    // Numbered in the order of the row: over {0}, {1} kept, all, and {0, 2}.
    const int which = std::stoi(sample.substr(6)) - 31;
    if (which == 0) return TorchTensors{at::prod(in[0], 0)};
    if (which == 1) return TorchTensors{at::prod(in[0], 1, true)};
    if (which == 2) return TorchTensors{at::prod(in[0])};
    if (which == 3) return TorchTensors{at::prod(at::prod(in[0], 2), 0)};
    return TorchTensors{};
  };
  table["sum_to"] = [](In in, const std::string& sample) -> TorchTensors {
    const std::map<std::string, std::vector<std::int64_t>> shapes{
        {"same_3x4", {3, 4}},         {"scalar_3x4", {}},           {"row_5x17", {17}}, {"column_5x17", {5, 1}},
        {"mixed_2x3x4x5", {3, 1, 5}}, {"leading_ones_2x3", {1, 1}}, {"empty_0x3", {3}}, {"threads_600x257", {257}}};
    const auto found = shapes.find(sample);
    if (found == shapes.end()) return {};
    return {in[0].sum_to_size(found->second)};
  };
}

void add_statistics(TorchTable& table) {
  using Axes = std::vector<std::int64_t>;
  const auto spread = [](bool root) {
    return [root](In in, std::string sample) {
      const bool biased = sample.ends_with("_correction_0");
      if (biased) sample.resize(sample.size() - std::string("_correction_0").size());
      return reducing([=](const T& x, const Axes& axes, bool keep) {
        const auto correction = c10::optional<std::int64_t>(biased ? 0 : 1);
        return root ? at::std(x, at::OptionalIntArrayRef(axes), correction, keep)
                    : at::var(x, at::OptionalIntArrayRef(axes), correction, keep);
      })(in, sample);
    };
  };
  table["var"] = spread(false);
  table["std"] = spread(true);
  table["stddev"] = of1([](const T& x) {
    return at::std(x, at::OptionalIntArrayRef(-1), c10::optional<std::int64_t>(0), /*keepdim=*/false);
  });
  table["norm"] = [](In in, const std::string& sample) -> TorchTensors {
    const std::map<std::string, double> powers{{"_p_minus_inf", -kInf},
                                               {"_p_minus_1", -1},
                                               {"_p_half", 0.5},
                                               {"_p_3_halves", 1.5},
                                               {"_p_inf", kInf},
                                               {"_p_0", 0},
                                               {"_p_1", 1},
                                               {"_p_2", 2},
                                               {"_p_3", 3}};
    for (const auto& [ending, p] : powers) {
      if (!sample.ends_with(ending)) continue;
      return reducing([p = p](const T& x, const Axes& axes, bool keep) {
        return at::linalg_vector_norm(x, p, at::OptionalIntArrayRef(axes), keep);
      })(in, sample.substr(0, sample.size() - ending.size()));
    }
    return {};
  };
  table["vector_norm"] = of1([](const T& x) {
    return x.dim() == 0 ? at::linalg_vector_norm(x, 2) : at::linalg_vector_norm(x, 2, at::OptionalIntArrayRef(-1));
  });
}

/// The axis of arg_row() in op_table/extremum_rows.cpp.
void add_arguments(TorchTable& table) {
  const auto arg = [](T (*f)(const T&, c10::optional<std::int64_t>, bool)) {
    return [f](In in, const std::string& sample) {
      const bool first = sample == "one" || sample.starts_with("first") || sample == "blocks_9001" ||
                         sample == "columns_700x1100" || sample == "threads_long_row_200003" ||
                         sample == "threads_few_columns_30000x3";
      const std::int64_t axis = first ? 0 : sample == "tail_17" ? -1 : sample == "middle_3x5x4" ? -2 : 1;
      return TorchTensors{f(in[0], axis, sample == "first_kept_33x3")};
    };
  };
  table["argmax"] = arg(at::argmax);
  table["argmin"] = arg(at::argmin);
}

/// The axis of shapes() in op_table/scan_rows.cpp, and whether the scan runs backwards.
TorchFunction scan(T (*f)(const T&, std::int64_t)) {
  return [f](In in, const std::string& sample) {
    const std::map<std::string, std::int64_t> second{
        {"rows_3x7", 1},         {"rows_reverse_9x5", 1},     {"middle_reverse_2x5x3", 1},
        {"channels_2x4x3x3", 1}, {"threads_rows_300x513", 1}, {"threads_long_reverse_2x70001", 1},
        {"zeros_4x5", 1}};
    const std::int64_t axis = second.contains(sample) ? 1 : 0;
    if (sample.find("reverse") == std::string::npos) return TorchTensors{f(in[0], axis)};
    return TorchTensors{f(in[0].flip(axis), axis).flip(axis)};
  };
}

/// The axis of shapes() in op_table/softmax_rows.cpp.
std::int64_t softmax_axis(const std::string& sample) {
  for (const char* first : {"one", "vector_17", "first_7x5", "threads_first", "scalar"}) {
    if (sample.starts_with(first)) return 0;
  }
  return 1;
}

void add_softmax(TorchTable& table) {
  table["softmax"] = [](In in, const std::string& s) { return TorchTensors{at::softmax(in[0], softmax_axis(s))}; };
  table["log_softmax"] = [](In in, const std::string& s) {
    return TorchTensors{at::log_softmax(in[0], softmax_axis(s))};
  };
  table["softmax_backward"] = gradient_of(table["softmax"]);
  table["log_softmax_backward"] = gradient_of(table["log_softmax"]);
}

/// The axis of cases_along_axes() in op_table/order_rows.cpp.
std::int64_t order_axis(const std::string& sample) {
  for (const char* second : {"last_3x9", "middle_3x5x4", "empty_result_0x3", "rows_30x131", "threads_200x777",
                             "none_3x4", "all_3x4", "most_40x300"}) {
    if (sample.starts_with(second)) return 1;
  }
  return 0;
}

void add_orders(TorchTable& table) {
  const auto part = [&table](const std::string& name, std::function<std::tuple<T, T>(In, const std::string&)> f) {
    table[name] = [f](In in, const std::string& sample) { return TorchTensors{std::get<0>(f(in, sample))}; };
    table[name + "_indices"] = [f](In in, const std::string& sample) {
      return TorchTensors{std::get<1>(f(in, sample))};
    };
  };
  part("sort", [](In in, const std::string& s) {
    const bool descending = s.ends_with("_descending") || s == "radix_20011";
    return at::sort(in[0], /*stable=*/c10::optional<bool>(true), order_axis(s), descending);
  });
  table["argsort"] = [](In in, const std::string& s) { return TorchTensors{at::argsort(in[0], order_axis(s), true)}; };
  part("topk", [](In in, const std::string& s) {
    const std::int64_t k = std::stoll(s.substr(s.rfind('_') + 1));
    return at::topk(in[0], k, order_axis(s), s.find("_smallest") == std::string::npos && !s.starts_with("long_20011"));
  });
  // Every second sample of kthvalue keeps its axis.
  part("kthvalue", [](In in, const std::string& s) {
    const bool keep =
        s == "scalar" || s == "tail_17" || s == "first_9x4" || s.starts_with("empty") || s.starts_with("columns");
    const std::int64_t axis = order_axis(s), k = in[0].dim() == 0 ? 1 : (in[0].size(axis) + 2) / 2;
    return at::kthvalue(in[0], k, axis, keep);
  });
}

}  // namespace

void add_reductions(TorchTable& table) {
  add_sums(table);
  add_statistics(table);
  add_arguments(table);
  table["cumsum"] = scan([](const T& x, std::int64_t axis) { return at::cumsum(x, axis); });
  table["cumprod"] = scan([](const T& x, std::int64_t axis) { return at::cumprod(x, axis); });
  add_softmax(table);
  add_orders(table);
}

}  // namespace dagrad::libtorch
