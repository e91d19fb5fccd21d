// A NaN or an infinity in any input: the kernels of f32 and bf16 give what that of f64 gives, whose answers the rows'
// edge cases state.
#include <algorithm>
#include <cmath>

#include "dagrad/core/error.h"
#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

constexpr std::size_t kSamples = 2;  // of each row

bool may_hold_nan(const Input& input) { return !input.dtype && count_of(input.shape) > 0; }

class Nonfinite : public ::testing::TestWithParam<const Row*> {
 protected:
  const Row& row = *GetParam();

  std::vector<const Sample*> samples() const {
    std::vector<const Sample*> result;
    for (const Sample& sample : row.samples) {
      const bool has_room = std::any_of(sample.inputs.begin(), sample.inputs.end(), may_hold_nan);
      if (sample.small() && sample.input_elements() > 1 && has_room && result.size() < kSamples)
        result.push_back(&sample);
    }
    return result;
  }

  /// Calls `test(sample, inputs without it, inputs)` with each value in the middle of each input that may hold it.
  template <class F>
  void for_each_planted(const F& test) const {
    for (const Sample* sample : samples()) {
      const Arrays drawn = draw(row, *sample, bf16);  // so that every type computes on the same
      for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (!may_hold_nan(sample->inputs[i])) continue;
        for (const double value : {kNan, kInf, -kInf}) {
          Arrays inputs = drawn;
          inputs[i].values[inputs[i].size() / 2] = value;
          SCOPED_TRACE(fmt::format("{}: {} in input {}", sample->name, value, i));
          test(*sample, drawn, inputs);
        }
      }
    }
  }
};

/// The larger of both where both are finite.
Arrays joined(Arrays a, const Arrays& b) {
  for (std::size_t k = 0; k < a.size() && k < b.size(); ++k) {
    for (std::size_t i = 0; i < a[k].size() && i < b[k].size(); ++i) {
      if (std::isfinite(b[k].values[i])) a[k].values[i] = std::max(a[k].values[i], b[k].values[i]);
    }
  }
  return a;
}

/// Whether the call is an error in f64 (a probability that is none, say); then it is the same error in f32.
bool is_refused(const Sample& sample, const Arrays& inputs) {
  const auto message = [&](DType dtype) {
    try {
      run(sample, to_tensors(sample, inputs, dtype));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string wide = message(f64);
  EXPECT_EQ(message(f32), wide);
  return !wide.empty();
}

TEST_P(Nonfinite, InputsGiveTheSameInEveryType) {
  for_each_planted([&](const Sample& sample, const Arrays& drawn, const Arrays& inputs) {
    if (is_refused(sample, inputs)) return;
    const Arrays want = to_arrays(run(sample, to_tensors(sample, inputs, f64)));
    const Arrays terms = row.terms ? joined(row.terms(sample, drawn), row.terms(sample, inputs)) : Arrays{};
    for (const DType dtype : {f32, bf16}) {
      if (dtype == bf16 && !row.takes_bf16) continue;
      const Arrays got = to_arrays(run(sample, to_tensors(sample, inputs, dtype)));
      for (std::size_t k = 0; k < got.size(); ++k) {
        EXPECT_TRUE(close(got[k], want[k], terms.empty() ? nullptr : &terms[k],
                          bound_for(dtype, sample.roundings, sample.bf16_roundings)))
            << dagrad::name_of(dtype) << ", result " << k;
      }
    }
  });
}

TEST_P(Nonfinite, InputsGiveTheSameGradientsInF32) {
  if (row.orders == 0) return;
  for_each_planted([&](const Sample& sample, const Arrays& drawn, const Arrays& inputs) {
    if (is_refused(sample, inputs)) return;
    Arrays diff;
    for (const Array& result : sample.reference(drawn)) diff.push_back(draw_diff(sample.name, result.shape, f32));
    const Arrays want = gradients(sample, inputs, diff, f64), got = gradients(sample, inputs, diff, f32);
    const Arrays terms = row.gradient_terms ? row.gradient_terms(sample, drawn, diff) : Arrays{};
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (sample.inputs[i].dtype) continue;
      EXPECT_TRUE(
          close(got[i], want[i], terms.empty() ? nullptr : &terms[i], bound_for(f32, sample.gradient_roundings)))
          << "gradient of input " << i;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, Nonfinite,
                         ::testing::ValuesIn(rows_where([](const Row& row) { return row.nonfinite.empty(); })),
                         row_name);

}  // namespace
}  // namespace dagrad::op_table
