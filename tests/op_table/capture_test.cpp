// Captured steps run every op and its backward on other elements than those that they were captured with.
#include <set>

#include "dagrad/core/backward.h"
#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/random.h"
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

class Captures : public ::testing::TestWithParam<const Row*> {};

/// The results and, behind them, the gradients of the inputs.
std::vector<Tensor> results_and_gradients(const Sample& sample, std::span<const Tensor> inputs) {
  std::vector<Tensor> leaves, wanted, recorded, seeds;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.detach());
    if (!is_floating(input.dtype())) continue;
    leaves.back().requires_grad_();
    wanted.push_back(leaves.back());
  }
  std::vector<Tensor> all = sample.call(leaves);
  for (const Tensor& result : all) {
    if (!result.requires_grad()) continue;
    recorded.push_back(result);
    seeds.push_back(full(result.shape(), 1.25, result.dtype()));
  }
  if (recorded.empty()) return all;
  for (const Tensor& gradient : grad(recorded, wanted, seeds, {.allow_unused = true})) {
    if (gradient.defined()) all.push_back(gradient);
  }
  return all;
}

/// The sample's inputs with other elements each time.
std::vector<Tensor> inputs_of_call(const Row& row, const Sample& sample, int call) {
  Sample others = sample;
  others.name += std::to_string(call);
  return to_tensors(sample, draw(row, others, f32), f32);
}

/// Ops that look at elements to know how many results there are.
bool counts_results(const Row& row) {
  static const std::set<std::string> names{"nonzero",           "masked_select", "repeat_interleave_counts", "bincount",
                                           "bincount_weighted", "unique",        "unique_inverse_and_counts"};
  return names.contains(row.name);
}

void expect_replays(const Row& row, const Sample& sample) {
  const auto run = [&](std::span<const Tensor> in) { return results_and_gradients(sample, in); };
  CapturedStep step(run);
  for (int call = 0; call < 3; ++call) step.on(inputs_of_call(row, sample, call));
  const std::vector<Tensor> inputs = inputs_of_call(row, sample, 3);
  const Generator before = default_generator();
  const std::vector<Tensor> wanted = run(inputs);
  default_generator() = before;
  const std::vector<Tensor> got = step.on(inputs);
  ASSERT_EQ(step.variants()[0].replays, 1u) << sample.name;
  ASSERT_EQ(got.size(), wanted.size()) << sample.name;
  for (std::size_t k = 0; k < got.size(); ++k)
    EXPECT_TRUE(same(to_array(got[k]), to_array(wanted[k].detach()))) << sample.name << ", result " << k;
}

TEST_P(Captures, ReplayTheOpAndItsBackward) {
  const Row& row = *GetParam();
  int refused = 0;
  for (const Sample& sample : row.samples) {
    try {
      expect_replays(row, sample);
    } catch (const UsageError& error) {
      ++refused;
      EXPECT_TRUE(counts_results(row)) << sample.name << ": " << error.what();
    }
  }
  EXPECT_EQ(refused > 0, counts_results(row));
}

INSTANTIATE_TEST_SUITE_P(Ops, Captures, ::testing::ValuesIn(rows_where([](const Row&) { return true; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
