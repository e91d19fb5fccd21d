#include "tools/graph/op_kind.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::tools {
namespace {

struct Look {
  std::string_view word, text, light, dark;
};

const Look& look_of(OpKind kind) {
  static constexpr Look kLooks[] = {
      {"leaf", "parameter, input", "#cfe3ff", "#1d3b63"},
      {"product", "matmul, convolution, recurrence", "#ffd9b8", "#6b3a12"},
      {"elementwise", "elementwise", "#d3f0d5", "#1f4d29"},
      {"reduction", "reduction, pooling", "#f6e5a8", "#574711"},
      {"view", "view, layout, indexing", "#e6e8eb", "#3a4048"},
      {"norm", "normalization, softmax", "#e6d8fb", "#44306b"},
      {"loss", "loss", "#ffd0d6", "#6b2330"},
      {"other", "other", "#ffffff", "#161b22"},
  };
  return kLooks[static_cast<std::size_t>(kind)];
}

std::map<std::string, OpKind, std::less<>> kinds() {
  using op_table::Row;
  using Family = std::vector<Row> (*)();
  const std::vector<std::pair<OpKind, std::vector<Family>>> families = {
      {OpKind::product,
       {op_table::matmul_rows, op_table::product_rows, op_table::convolution_rows, op_table::recurrent_rows,
        op_table::attention_rows}},
      {OpKind::elementwise,
       {op_table::elementwise_rows, op_table::math_rows, op_table::activation_rows, op_table::comparison_rows,
        op_table::dropout_rows, op_table::gradient_rows}},
      {OpKind::reduction,
       {op_table::reduction_rows, op_table::extremum_rows, op_table::statistics_rows, op_table::scan_rows,
        op_table::pooling_rows}},
      {OpKind::view,
       {op_table::view_rows, op_table::split_rows, op_table::copy_rows, op_table::order_rows,
        op_table::arrangement_rows, op_table::diagonal_rows, op_table::indexing_rows}},
      {OpKind::norm, {op_table::normalization_rows, op_table::softmax_rows}},
      {OpKind::loss, {op_table::loss_rows}},
  };
  std::map<std::string, OpKind, std::less<>> result{{"leaf", OpKind::leaf}};
  // A row may cover ops of other families that it uses: an op's own row comes first.
  std::vector<std::pair<OpKind, std::string>> others;
  for (const auto& [kind, list] : families) {
    for (const Family family : list) {
      for (const Row& row : family()) {
        for (std::string& name : row.covered()) {
          if (name == row.name)
            result.emplace(std::move(name), kind);
          else
            others.emplace_back(kind, std::move(name));
        }
      }
    }
  }
  for (auto& [kind, name] : others) result.emplace(std::move(name), kind);
  return result;
}

}  // namespace

OpKind kind_of(std::string_view op) {
  static const auto known = kinds();
  const auto found = known.find(op);
  return found == known.end() ? OpKind::other : found->second;
}

std::string_view describe(OpKind kind) { return look_of(kind).text; }
std::string_view light_color(OpKind kind) { return look_of(kind).light; }
std::string_view dark_color(OpKind kind) { return look_of(kind).dark; }
std::string_view class_of(OpKind kind) { return look_of(kind).word; }

}  // namespace dagrad::tools
