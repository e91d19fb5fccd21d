// Whether the table is whole: a hole in it would be an op that nothing tests.
#include <algorithm>
#include <set>

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op_names.h"
#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

TEST(Completeness, EveryOpHasARow) {
  std::set<std::string> covered;
  for (const Row& row : rows()) {
    for (const std::string& name : row.covered()) covered.insert(name);
  }
  // The test is linked with the whole of dagrad::ops, so that op_names() knows of ops that no row calls.
  for (const std::string_view name : op_names()) {
    EXPECT_TRUE(covered.contains(std::string(name)))
        << "no row covers the op '" << name << "': add one to tests/op_table";
  }
}

TEST(Completeness, EveryRowIsOfAnOpThatExists) {
  const auto names = op_names();
  for (const Row& row : rows()) {
    for (const std::string& name : row.covered()) {
      EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name))
          << row.name << " covers '" << name << "', which is no op";
    }
  }
}

TEST(Completeness, NamesAreUnique) {
  std::set<std::string> seen;
  for (const Row& row : rows()) {
    EXPECT_TRUE(seen.insert(row.name).second) << "two rows are named " << row.name;
    std::set<std::string> samples;
    for (const Sample& sample : row.samples)
      EXPECT_TRUE(samples.insert(sample.name).second) << row.name << " has two samples " << sample.name;
  }
}

class CompleteRow : public ::testing::TestWithParam<const Row*> {};

TEST_P(CompleteRow, HasWhatTheTestsNeed) {
  const Row& row = *GetParam();
  EXPECT_FALSE(row.formula.empty());
  EXPECT_FALSE(row.samples.empty());
  EXPECT_FALSE(row.benchmarks.empty());
  const auto has = [&](const auto& which) { return std::any_of(row.samples.begin(), row.samples.end(), which); };
  EXPECT_TRUE(has([](const Sample& sample) { return sample.small() && sample.input_elements() > 1; }))
      << "no sample is small enough for gradcheck";
  for (const Sample& sample : row.samples) {
    EXPECT_TRUE(sample.call) << sample.name;
    EXPECT_TRUE(sample.reference) << sample.name << ": every sample needs a reference";
  }
}

TEST_P(CompleteRow, ReachesItsPrimitive) {
  const Row& row = *GetParam();
  const std::uint64_t before = onednn::statistics().executions;
  for (const Sample& sample : row.samples) run(sample, to_tensors(sample, draw(row, sample, f32), f32));
  if (row.primitive.empty())
    EXPECT_EQ(onednn::statistics().executions, before) << "name the primitive in the row";
  else
    EXPECT_GT(onednn::statistics().executions, before) << "no sample is large enough for " << row.primitive;
}

INSTANTIATE_TEST_SUITE_P(Ops, CompleteRow, ::testing::ValuesIn(rows_where([](const Row&) { return true; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
