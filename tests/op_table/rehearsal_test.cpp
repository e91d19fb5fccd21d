// Forecasts of memory run every op and its backward on memory that nobody fills: nothing may break, and nothing that
// exists may change.
#include "dagrad/core/analysis/memory_forecast.h"
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

class Rehearsals : public ::testing::TestWithParam<const Row*> {};

TEST_P(Rehearsals, RunTheOpAndItsBackwardAndChangeNothing) {
  const Row& row = *GetParam();
  for (const Sample& sample : row.samples) {
    const Arrays arrays = draw(row, sample, f32);
    std::vector<Tensor> inputs = to_tensors(sample, arrays, f32);
    for (Tensor& input : inputs) {
      if (is_floating(input.dtype())) input.requires_grad_();
    }
    const auto run = [&sample](std::span<const Tensor> in) {
      std::vector<Tensor> results = sample.call(in);
      std::erase_if(results, [](const Tensor& t) { return !t.requires_grad(); });
      return results;
    };
    const MemoryForecast forecast = forecast_step(run, inputs);
    EXPECT_GE(forecast.peak.total(), forecast.start.total()) << sample.name;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_TRUE(same(to_array(inputs[i].detach()), to_array(to_tensors(sample, arrays, f32)[i]))) << sample.name;
      EXPECT_FALSE(inputs[i].requires_grad() && inputs[i].grad().defined()) << sample.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Rehearsals,
                         ::testing::ValuesIn(rows_where([](const Row& row) { return row.orders > 0; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
