// Transposed, stepped and expanded inputs give what row-major ones do.
#include <algorithm>

#include "op_table/cases.h"
#include "op_table/close.h"

namespace dagrad::op_table {
namespace {

class Layouts : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;

  // Which kernel runs, and in which order it adds up, may depend on the strides: both are within the bound of the exact
  // result.
  Bound twice(DType dtype, double roundings) const {
    Bound bound = bound_for(dtype, 2 * roundings, 2 * sample.bf16_roundings);
    bound.last *= 2;
    return bound;
  }

  void compare_values(const Arrays& inputs, DType dtype, std::span<const Layout> layouts) const {
    const Arrays terms = row.terms ? row.terms(sample, inputs) : Arrays{};
    const Arrays want = to_arrays(run(sample, to_tensors(sample, inputs, dtype)));
    for (const Layout layout : layouts) {
      const Arrays got = to_arrays(run(sample, to_tensors(sample, inputs, dtype, layout)));
      for (std::size_t k = 0; k < got.size(); ++k) {
        EXPECT_TRUE(close(got[k], want[k], terms.empty() ? nullptr : &terms[k], twice(dtype, sample.roundings)))
            << name_of(layout) << " " << dagrad::name_of(dtype) << ", result " << k;
      }
    }
  }

  void compare_gradients(const Arrays& inputs, DType dtype, std::span<const Layout> layouts) const {
    Arrays diff;
    for (const Tensor& result : run(sample, to_tensors(sample, inputs, dtype))) {
      diff.push_back(draw_diff(GetParam().name(), result.shape(), dtype));
    }
    const Arrays terms = row.gradient_terms ? row.gradient_terms(sample, inputs, diff) : Arrays{};
    const Arrays want = gradients(sample, inputs, diff, dtype);
    for (const Layout layout : layouts) {
      const Arrays got = gradients(sample, inputs, diff, dtype, layout);
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (sample.inputs[i].dtype) continue;
        EXPECT_TRUE(
            close(got[i], want[i], terms.empty() ? nullptr : &terms[i], twice(dtype, sample.gradient_roundings)))
            << name_of(layout) << " " << dagrad::name_of(dtype) << ", gradient of input " << i;
      }
    }
  }

  /// Large samples are there for the kernels of f32.
  std::vector<DType> types() const { return sample.small() ? std::vector{f64, f32, bf16} : std::vector{f32}; }

  /// Calls `compare` with inputs that the layouts can have: those that repeat hold less.
  template <class F>
  void with_layouts(DType dtype, const F& compare) const {
    Arrays inputs = draw(row, sample, dtype);
    std::vector<Layout> layouts{Layout::transposed, Layout::stepped};
    const auto has_channels = [](const Array& input) { return input.shape.rank() >= 3 && input.shape.rank() <= 5; };
    if (std::any_of(inputs.begin(), inputs.end(), has_channels)) layouts.push_back(Layout::channels_last);
    compare(inputs, layouts);
    const Arrays once = inputs;
    for (Array& input : inputs) input = repeated(input);
    compare(inputs, std::vector{Layout::expanded});
    if (!sample.small()) return;
    std::transform(once.begin(), once.end(), inputs.begin(), overlapped);
    compare(inputs, std::vector{Layout::overlapping});
  }
};

TEST_P(Layouts, DoNotChangeTheResult) {
  for (const DType dtype : types()) {
    if (dtype == bf16 && !row.takes_bf16) continue;
    with_layouts(dtype, [&](const Arrays& inputs, const std::vector<Layout>& layouts) {
      compare_values(inputs, dtype, layouts);
    });
  }
}

// Kernels choose by all of their operands: each in turn lies unlike the others.
TEST_P(Layouts, OfOneInputDoNotChangeTheResult) {
  if (sample.inputs.size() < 2) return;
  for (const DType dtype : types()) {
    if (dtype == bf16) continue;
    const Arrays inputs = draw(row, sample, dtype);
    const Arrays terms = row.terms ? row.terms(sample, inputs) : Arrays{};
    const std::vector<Tensor> plain = to_tensors(sample, inputs, dtype);
    const Arrays want = to_arrays(run(sample, plain));
    for (const Layout layout : {Layout::transposed, Layout::stepped}) {
      const std::vector<Tensor> otherwise = to_tensors(sample, inputs, dtype, layout);
      for (std::size_t i = 0; i < plain.size(); ++i) {
        std::vector<Tensor> mixed = plain;
        mixed[i] = otherwise[i];
        const Arrays got = to_arrays(run(sample, mixed));
        for (std::size_t k = 0; k < got.size(); ++k) {
          EXPECT_TRUE(close(got[k], want[k], terms.empty() ? nullptr : &terms[k], twice(dtype, sample.roundings)))
              << "input " << i << " " << name_of(layout) << ", " << dagrad::name_of(dtype) << ", result " << k;
        }
      }
    }
  }
}

TEST_P(Layouts, DoNotChangeTheGradients) {
  for (const DType dtype : types()) {
    if (dtype == bf16 || row.orders == 0) continue;
    with_layouts(dtype, [&](const Arrays& inputs, const std::vector<Layout>& layouts) {
      compare_gradients(inputs, dtype, layouts);
    });
  }
}

const auto any_elements = [](const Row&, const Sample& sample) { return sample.input_elements() > 0; };
INSTANTIATE_TEST_SUITE_P(Ops, Layouts, ::testing::ValuesIn(cases(any_elements)), case_name);

}  // namespace
}  // namespace dagrad::op_table
