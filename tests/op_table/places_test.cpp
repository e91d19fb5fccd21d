// Where the nodes that a function records say they were recorded: at the caller's line, however many ops it is made of.
#include <algorithm>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/graph.h"
#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

/// Not that of an argument, which vjp and the like record without being called by a line of their own.
bool has_a_place(const Row& row) { return row.orders > 0 && row.name != "argument"; }

class Places : public ::testing::TestWithParam<const Row*> {};

TEST_P(Places, OfAllNodesAreTheCallers) {
  const Row& row = *GetParam();
  std::size_t recorded = 0;
  for (const Sample& sample : row.samples) {
    if (!sample.small()) continue;
    std::vector<Tensor> inputs = to_tensors(sample, draw(row, sample, f64), f64);
    for (Tensor& input : inputs) {
      if (is_floating(input.dtype())) input.requires_grad_();
    }
    std::vector<Tensor> results = sample.call(inputs);
    std::erase_if(results, [](const Tensor& t) { return !t.requires_grad(); });
    if (results.empty()) continue;
    const Graph graph(results);
    for (Graph::Vertex v = 0; v < graph.size(); ++v) {
      const Node& node = graph.node(v);
      if (node.is_leaf()) continue;
      ++recorded;
      EXPECT_NE(std::string_view(node.where().file).find("op_table/"), std::string_view::npos)
          << sample.name << ": '" << node.name() << "' " << node.place();
    }
  }
  EXPECT_GT(recorded, 0u);
}

INSTANTIATE_TEST_SUITE_P(Ops, Places, ::testing::ValuesIn(rows_where(has_a_place)), row_name);

}  // namespace
}  // namespace dagrad::op_table
