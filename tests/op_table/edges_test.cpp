// Results at the borders of an op's domain: zeros, infinities, NaN, nothing.
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

/// Long enough for the primitive and for a tail in every kernel.
Array repeated_to_4099(const Array& array) {
  Array result(Shape{4099});
  for (std::size_t i = 0; i < result.size(); ++i) result.values[i] = array.values[i % array.size()];
  return result;
}

Sample sample_of(const Edge& edge, const Arrays& inputs) {
  Sample sample{edge.name, {}, edge.call};
  for (const Array& input : inputs) sample.inputs.push_back({input.shape});
  return sample;
}

class Edges : public ::testing::TestWithParam<const Row*> {
 protected:
  // An answer that is no whole number is rounded as the row says.
  void check(const Edge& edge, Arrays inputs, Arrays want, Arrays want_gradients, DType dtype) const {
    const Row& row = *GetParam();
    const Sample sample = sample_of(edge, inputs);
    const Arrays got = to_arrays(run(sample, to_tensors(sample, inputs, dtype)));
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t k = 0; k < got.size(); ++k)
      EXPECT_TRUE(close(got[k], want[k], nullptr, bound_for(dtype, std::max(row.roundings, 2.0))));
    if (edge.gradients.empty()) return;
    Arrays diff;
    for (const Array& result : want) diff.emplace_back(result.shape, 1.0);
    const Arrays found = gradients(sample, inputs, diff, dtype);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(close(found[i], want_gradients[i], nullptr, bound_for(dtype, 2))) << "gradient of input " << i;
  }
};

TEST_P(Edges, HaveTheAnswersThatTheRowStates) {
  const Row& row = *GetParam();
  for (const Edge& edge : row.edges) {
    for (const DType dtype : {f64, f32, bf16}) {
      if (dtype == bf16 && !row.takes_bf16) continue;
      SCOPED_TRACE(fmt::format("{} in {}", edge.name, dagrad::name_of(dtype)));
      check(edge, edge.inputs, edge.want, edge.gradients, dtype);
    }
  }
}

TEST_P(Edges, HaveTheSameAnswersInLargeTensors) {
  const Row& row = *GetParam();
  if (!row.elementwise) return;
  const auto repeat = [](const Arrays& arrays) {
    Arrays result;
    for (const Array& array : arrays) result.push_back(repeated_to_4099(array));
    return result;
  };
  for (const Edge& edge : row.edges) {
    for (const DType dtype : {f64, f32, bf16}) {
      if (dtype == bf16 && !row.takes_bf16) continue;
      SCOPED_TRACE(fmt::format("{} in {}", edge.name, dagrad::name_of(dtype)));
      check(edge, repeat(edge.inputs), repeat(edge.want), repeat(edge.gradients), dtype);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Edges, ::testing::ValuesIn(rows_where([](const Row& row) { return !row.edges.empty(); })),
                         row_name);

}  // namespace
}  // namespace dagrad::op_table
