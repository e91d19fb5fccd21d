// A NaN or an infinity in any input gives in every type what the reference gives.
#include <algorithm>

#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

class Nonfinite : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;

  std::vector<DType> types() const { return row.takes_bf16 ? std::vector{f64, f32, bf16} : std::vector{f64, f32}; }

  /// Calls `test(inputs, what)` with each of the values in the middle of each input that may hold one.
  template <class F>
  void for_each_planted(const F& test) const {
    const Arrays drawn = draw(row, sample, bf16);  // so that every type computes on the same
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (sample.inputs[i].dtype || drawn[i].size() == 0) continue;
      for (const double value : {kNan, kInf, -kInf}) {
        Arrays inputs = drawn;
        inputs[i].values[inputs[i].size() / 2] = value;
        test(drawn, inputs, fmt::format("{} in input {}", value, i));
      }
    }
  }
};

TEST_P(Nonfinite, ValuesAreThoseOfTheReference) {
  for_each_planted([&](const Arrays& drawn, const Arrays& inputs, const std::string& what) {
    const Arrays want = sample.reference(inputs), terms = row.terms ? row.terms(sample, drawn) : Arrays{};
    for (const DType dtype : types()) {
      const Arrays got = to_arrays(run(sample, to_tensors(sample, inputs, dtype)));
      for (std::size_t k = 0; k < got.size(); ++k) {
        const Bound bound = bound_for(dtype, sample.roundings * (dtype == f64 ? 2 : 1), row.bf16_roundings);
        EXPECT_TRUE(close(got[k], want[k], terms.empty() ? nullptr : &terms[k], bound))
            << what << ", " << dagrad::name_of(dtype) << ", result " << k;
      }
    }
  });
}

TEST_P(Nonfinite, GradientsOfF32AreThoseOfF64) {
  if (row.orders == 0) return;
  for_each_planted([&](const Arrays& drawn, const Arrays& inputs, const std::string& what) {
    Arrays diff;
    for (const Array& result : sample.reference(inputs))
      diff.push_back(draw_diff(GetParam().name(), result.shape, f32));
    const Arrays want = gradients(sample, inputs, diff, f64), got = gradients(sample, inputs, diff, f32);
    const Arrays terms = row.gradient_terms ? row.gradient_terms(sample, drawn, diff) : Arrays{};
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (sample.inputs[i].dtype) continue;
      EXPECT_TRUE(
          close(got[i], want[i], terms.empty() ? nullptr : &terms[i], bound_for(f32, sample.gradient_roundings)))
          << what << ", gradient of input " << i;
    }
  });
}

const auto tried = [](const Row& row, const Sample& sample) {
  const auto floating = [](const Input& input) { return !input.dtype && count_of(input.shape) > 0; };
  return row.nonfinite.empty() && sample.small() && std::any_of(sample.inputs.begin(), sample.inputs.end(), floating);
};
INSTANTIATE_TEST_SUITE_P(Ops, Nonfinite, ::testing::ValuesIn(cases(tried)), case_name);

}  // namespace
}  // namespace dagrad::op_table
