// In deterministic mode the number of threads changes no bit.
#include "dagrad/core/parallel.h"
#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

/// Deterministic mode and a number of threads, for a scope.
class Setting {
 public:
  explicit Setting(int threads) : threads_before_(num_threads()), before_(deterministic()) {
    set_num_threads(threads);
    set_deterministic(true);
  }
  ~Setting() {
    set_num_threads(threads_before_);
    set_deterministic(before_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  int threads_before_;
  bool before_;
};

class Threads : public ::testing::TestWithParam<Case> {
 protected:
  const Row& row = *GetParam().row;
  const Sample& sample = *GetParam().sample;
  const Arrays inputs = draw(row, sample, f32);

  Arrays values(int threads) const {
    const Setting setting(threads);
    return to_arrays(run(sample, to_tensors(sample, inputs, f32)));
  }
  Arrays all_gradients(int threads) const {
    const Setting setting(threads);
    Arrays diff;
    for (const Array& result : sample.reference(inputs))
      diff.push_back(draw_diff(GetParam().name(), result.shape, f32));
    return gradients(sample, inputs, diff, f32);
  }
  /// f32 values survive in the doubles of an Array, so that equal doubles are equal bits.
  static void expect_equal(const Arrays& one, const Arrays& two, const char* what) {
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_EQ(one[k].values, two[k].values) << what << " " << k;
  }
};

TEST_P(Threads, DoNotChangeTheResult) { expect_equal(values(1), values(2), "result"); }

TEST_P(Threads, DoNotChangeTheGradients) {
  if (row.orders > 0) expect_equal(all_gradients(1), all_gradients(2), "gradient");
}

const auto not_small = [](const Row&, const Sample& sample) { return !sample.small(); };
INSTANTIATE_TEST_SUITE_P(Ops, Threads, ::testing::ValuesIn(cases(not_small)), case_name);

}  // namespace
}  // namespace dagrad::op_table
