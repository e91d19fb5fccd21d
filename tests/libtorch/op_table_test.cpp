// Values and gradients of every row of the op table against libtorch's.
#include <torch/csrc/autograd/autograd.h>

#include "libtorch/bridge.h"
#include "libtorch/torch_table.h"
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::libtorch {
namespace {

using op_table::Array;
using op_table::Arrays;
using op_table::Case;
using op_table::Row;
using op_table::Sample;

bool excepted(const std::string& key) { return not_in_libtorch().contains(key); }

/// Both sides round, and libtorch's kernels may round a few times more than the row counts for dagrad's; what rounds
/// nowhere has to be equal.
op_table::Bound bound_of(DType dtype, double roundings) {
  return op_table::bound_for(dtype, roundings == 0 ? 0 : 4 * roundings + 16);
}

class Libtorch : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;
  const std::string key = row.name + "/" + sample.name;

  TorchTensors torch_inputs(const Arrays& arrays, DType dtype) const {
    TorchTensors result;
    for (std::size_t i = 0; i < arrays.size(); ++i)
      result.push_back(to_torch(arrays[i], sample.inputs[i].dtype.value_or(dtype)));
    return result;
  }

  void compare_values(DType dtype) const {
    const Arrays inputs = op_table::draw(row, sample, dtype);
    const std::vector<Tensor> got = op_table::run(sample, op_table::to_tensors(sample, inputs, dtype));
    const TorchTensors want = table().at(row.name)(torch_inputs(inputs, dtype), sample.name);
    ASSERT_FALSE(want.empty()) << "the table has no function of libtorch for this sample";
    ASSERT_EQ(got.size(), want.size());
    Arrays terms = row.terms ? row.terms(sample, inputs) : Arrays{};
    if (cancels_in_libtorch(row.name)) terms = op_table::by_largest(sample, inputs);
    for (std::size_t k = 0; k < got.size(); ++k) {
      EXPECT_TRUE(op_table::close(op_table::to_array(got[k]), from_torch(want[k]), terms.empty() ? nullptr : &terms[k],
                                  bound_of(dtype, sample.roundings)))
          << name_of(dtype) << ", result " << k;
    }
  }

  /// libtorch makes some gradients from the result, whose roundings then go into them.
  op_table::Bound gradient_bound(DType dtype) const {
    return bound_of(dtype, sample.gradient_roundings + (sample.gradient_roundings > 0 ? sample.roundings : 0));
  }

  bool compares(const std::string& what, DType dtype) const {
    const std::string prefix = dtype == f64 ? "f64 " + what : what;
    return !excepted(prefix + row.name) && !excepted(prefix + key);
  }

  Arrays draw_diffs(const std::vector<Tensor>& results) const {
    Arrays diff;
    for (std::size_t k = 0; k < results.size(); ++k)
      diff.push_back(op_table::draw_diff(fmt::format("{}/{}", GetParam().name(), k), results[k].shape(), f32));
    return diff;
  }

  void compare_gradients(DType dtype) const {
    const Arrays inputs = op_table::draw(row, sample, dtype);
    const Arrays diff = draw_diffs(op_table::run(sample, op_table::to_tensors(sample, inputs, dtype)));
    const Arrays got = op_table::gradients(sample, inputs, diff, dtype);

    TorchTensors leaves = torch_inputs(inputs, dtype), by;
    for (at::Tensor& leaf : leaves) {
      if (leaf.is_floating_point()) by.push_back(leaf.requires_grad_());
    }
    TorchTensors outputs, cotangents;
    const TorchTensors results = table().at(row.name)(leaves, sample.name);
    ASSERT_FALSE(results.empty()) << "the table has no function of libtorch for this sample";
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (!results[k].requires_grad()) continue;
      outputs.push_back(results[k]);
      cotangents.push_back(to_torch(diff[k], f64).to(results[k].scalar_type()));
    }
    const TorchTensors want = torch::autograd::grad(outputs, by, cotangents, {}, false, /*allow_unused=*/true);
    Arrays terms = row.gradient_terms ? row.gradient_terms(sample, inputs, diff) : Arrays{};
    if (cancels_in_libtorch(row.name)) terms = op_table::gradients_by_largest(sample, inputs, diff);
    std::size_t next = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (!leaves[i].is_floating_point()) continue;
      const Array expected = want[next].defined() ? from_torch(want[next]) : Array(got[i].shape);
      ++next;
      EXPECT_TRUE(op_table::close(got[i], expected, terms.empty() ? nullptr : &terms[i], gradient_bound(dtype)))
          << name_of(dtype) << ", input " << i;
    }
  }
};

TEST_P(Libtorch, GivesTheSameValues) {
  if (excepted(row.name) || excepted(key)) return;
  ASSERT_TRUE(table().contains(row.name)) << "neither in the table nor among the exceptions";
  for (const DType dtype : {f64, f32}) {
    if (compares("of ", dtype)) compare_values(dtype);
  }
}

TEST_P(Libtorch, GivesTheSameGradients) {
  if (row.orders == 0 || excepted(row.name) || excepted(key)) return;
  if (excepted("gradient of " + row.name) || excepted("gradient of " + key)) return;
  ASSERT_TRUE(table().contains(row.name)) << "neither in the table nor among the exceptions";
  for (const DType dtype : {f64, f32}) {
    if (compares("gradient of ", dtype)) compare_gradients(dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Libtorch,
                         ::testing::ValuesIn(op_table::cases([](const Row&, const Sample&) { return true; })),
                         op_table::case_name);

TEST(LibtorchTable, HasNoRowThatDagradLacks) {
  const auto has_row = [](const std::string& name) {
    const auto& rows = op_table::rows();
    return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  };
  for (const auto& [name, function] : table()) EXPECT_TRUE(has_row(name)) << name;
}

TEST(LibtorchTable, HasEveryRowOnce) {
  for (const Row& row : op_table::rows())
    EXPECT_NE(table().contains(row.name), excepted(row.name)) << row.name << " (want it in one of the lists)";
}

}  // namespace
}  // namespace dagrad::libtorch
