// Captured steps run every op and its backward on other elements than those that they were captured with.
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

TEST_P(Captures, ReplayTheOpAndItsBackward) {
  const Row& row = *GetParam();
  for (const Sample& sample : row.samples) {
    const auto run = [&](std::span<const Tensor> in) { return results_and_gradients(sample, in); };
    CapturedStep step(run);
    for (int call = 0; call < 5; ++call) {
      Sample others = sample;
      others.name += std::to_string(call);
      const std::vector<Tensor> inputs = to_tensors(sample, draw(row, others, f32), f32);
      const Generator before = default_generator();
      const std::vector<Tensor> wanted = run(inputs);
      default_generator() = before;
      const std::vector<Tensor> got = step.on(inputs);
      ASSERT_EQ(got.size(), wanted.size());
      for (std::size_t k = 0; k < got.size(); ++k)
        EXPECT_TRUE(same(to_array(got[k]), to_array(wanted[k].detach())))
            << sample.name << ", call " << call << ", result " << k;
    }
    EXPECT_EQ(step.variants()[0].replays, 2u);
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Captures, ::testing::ValuesIn(rows_where([](const Row&) { return true; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
