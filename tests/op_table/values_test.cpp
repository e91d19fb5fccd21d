// Values, shapes and types against the independent references.
#include <cmath>

#include "dagrad/core/error.h"
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

class Values : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;

  std::vector<Tensor> results(const Arrays& inputs, DType dtype) const {
    const std::vector<Tensor> dst = run(sample, to_tensors(sample, inputs, dtype));
    for (const Tensor& t : dst)
      EXPECT_EQ(dagrad::name_of(t.dtype()), dagrad::name_of(row.result_type ? row.result_type(dtype) : dtype));
    return dst;
  }

  /// Compares with the reference; its own roundings count as well where it computes as precisely.
  void compare(DType dtype) const {
    const Arrays inputs = draw(row, sample, dtype);
    const Arrays want = sample.reference(inputs), terms = row.terms ? row.terms(sample, inputs) : Arrays{};
    const std::vector<Tensor> got = results(inputs, dtype);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
      const Bound bound = bound_for(dtype, sample.roundings * (dtype == f64 ? 2 : 1), sample.bf16_roundings);
      EXPECT_TRUE(close(to_array(got[k]), want[k], terms.empty() ? nullptr : &terms[k], bound)) << "result " << k;
    }
  }
};

TEST_P(Values, OfF64AgreeWithTheReference) { compare(f64); }

TEST_P(Values, OfF32AgreeWithTheReference) { compare(f32); }

TEST_P(Values, OfBf16AgreeWithTheReference) {
  if (row.takes_bf16) compare(bf16);
}

TEST_P(Values, OfOneTensorPassedTwiceAreThoseOfTwoEqualOnes) {
  for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
    for (std::size_t k = i + 1; k < sample.inputs.size(); ++k) {
      const Input& first = sample.inputs[i];
      const Input& second = sample.inputs[k];
      if (first.dtype || first.shape != second.shape || !(first.domain == second.domain)) continue;
      for (const DType dtype : {f64, f32}) {
        Arrays inputs = draw(row, sample, dtype);
        inputs[k] = inputs[i];
        std::vector<Tensor> tensors = to_tensors(sample, inputs, dtype);
        const Arrays want = to_arrays(run(sample, tensors));
        tensors[k] = tensors[i];
        const Arrays got = to_arrays(run(sample, tensors));
        for (std::size_t r = 0; r < got.size(); ++r)
          EXPECT_TRUE(same(got[r], want[r])) << "inputs " << i << " and " << k << ", " << dagrad::name_of(dtype);
      }
    }
  }
}

TEST_P(Values, OfSmallIntegersAreExact) {
  if (!row.exact_on_integers || !sample.inexact.empty()) return;
  const Arrays inputs = draw_integers(row, sample);
  const Arrays want = sample.reference(inputs);
  std::vector<DType> types{f64, f32};
  if (row.takes_i64) types.push_back(i64);
  for (const DType dtype : types) {
    const std::vector<Tensor> got = results(inputs, dtype);
    for (std::size_t k = 0; k < got.size(); ++k)
      EXPECT_TRUE(same(to_array(got[k]), want[k])) << dagrad::name_of(dtype) << ", result " << k;
  }
}

// Where whole numbers go in and, by the exact result, a whole number comes out, no rounding is excused.
TEST_P(Values, OfSmallIntegersAreExactWhereTheyAreWhole) {
  if (row.exact_on_integers || !row.inexact.empty() || sample.input_elements() > 5000) return;
  const Arrays inputs = draw_integers(row, sample);
  std::vector<Tensor> wide, narrow;
  try {
    wide = run(sample, to_tensors(sample, inputs, f64));
    narrow = run(sample, to_tensors(sample, inputs, f32));
  } catch (const Error&) {
    return;  // of probabilities, say
  }
  for (std::size_t k = 0; k < wide.size(); ++k) {
    const Array want = to_array(wide[k]), got = to_array(narrow[k]);
    std::size_t wrong = 0, first = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double value = want.values[i];
      if (value != std::nearbyint(value) || std::fabs(value) > 0x1p12 || got.values[i] == value) continue;
      if (wrong++ == 0) first = i;
    }
    EXPECT_EQ(wrong, 0u) << "result " << k << ", first at " << first << ": " << got.values[first] << ", want "
                         << want.values[first];
  }
}

const auto all = [](const Row&, const Sample&) { return true; };
INSTANTIATE_TEST_SUITE_P(Ops, Values, ::testing::ValuesIn(cases(all)), case_name);

}  // namespace
}  // namespace dagrad::op_table
