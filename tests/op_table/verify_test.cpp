// Verify mode over every sample: no kernel strays from its f64 form, and no op is passed over without saying so.
#include "dagrad/core/analysis/verify.h"

#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

class Verify : public ::testing::TestWithParam<Case> {
 protected:
  void verify(DType dtype) const {
    const Row& row = *GetParam().row;
    const Sample& sample = *GetParam().sample;
    const Arrays inputs = draw(row, sample, dtype);
    const VerifyMode mode;
    Arrays diff;
    for (const Tensor& t : run(sample, to_tensors(sample, inputs, dtype)))
      diff.push_back(draw_diff(row.name, t.shape(), dtype));
    if (row.orders > 0) (void)gradients(sample, inputs, diff, dtype);
    for (const auto& [op, times] : mode.passed_over()) ADD_FAILURE() << op << " was passed over";
  }
};

TEST_P(Verify, FindsNothingInF32) { verify(f32); }

TEST_P(Verify, FindsNothingInBf16) {
  if (GetParam().row->takes_bf16) verify(bf16);
}

// Enough elements for every kernel to take over from its small form; more would only take longer.
const auto affordable = [](const Row&, const Sample& sample) { return sample.input_elements() <= 20'000; };
INSTANTIATE_TEST_SUITE_P(Ops, Verify, ::testing::ValuesIn(cases(affordable)), case_name);

}  // namespace
}  // namespace dagrad::op_table
