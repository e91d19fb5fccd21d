// Whether the table is whole: a hole in it would be an op that nothing tests.
#include <algorithm>
#include <set>

#include "dagrad/core/error.h"
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

TEST_P(CompleteRow, HasASampleOfNoElementsOrSaysWhyNot) {
  const Row& row = *GetParam();
  const auto is_empty = [](const auto& input) { return count_of(input.shape) == 0; };
  const auto has = [&](const auto& of) { return std::any_of(of.inputs.begin(), of.inputs.end(), is_empty); };
  const bool found =
      std::any_of(row.samples.begin(), row.samples.end(), has) || std::any_of(row.edges.begin(), row.edges.end(), has);
  EXPECT_TRUE(found || !row.no_empty.empty()) << "add a sample or an edge case of no elements, or say why (no_empty)";
  EXPECT_FALSE(found && !row.no_empty.empty()) << "it has one: take no_empty away";
}

/// The sample with other shapes, of inputs that have elements of the type that the test computes in.
Sample reshaped(Sample sample, const std::function<Shape(std::size_t input, const Shape&)>& change) {
  for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
    if (!sample.inputs[i].dtype) sample.inputs[i].shape = change(i, sample.inputs[i].shape);
  }
  return sample;
}

/// Whether the op takes the sample; what it says when it does not has a test of its own.
bool takes(const Row& row, const Sample& sample) {
  try {
    run(sample, to_tensors(sample, draw(row, sample, f32), f32));
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST_P(CompleteRow, HasASampleOfZeroDimensionsUnlessTheOpRefusesIt) {
  const Row& row = *GetParam();
  const auto has_scalar = [](const auto& of) {
    return std::any_of(of.inputs.begin(), of.inputs.end(), [](const auto& input) { return input.shape.rank() == 0; });
  };
  if (std::any_of(row.samples.begin(), row.samples.end(), has_scalar) ||
      std::any_of(row.edges.begin(), row.edges.end(), has_scalar))
    return;
  for (const Sample& sample : row.samples) {
    const bool has_free_input =
        std::any_of(sample.inputs.begin(), sample.inputs.end(), [](const Input& input) { return !input.dtype; });
    if (!has_free_input) continue;
    const Sample scalar = reshaped(sample, [](std::size_t, const Shape&) { return Shape{}; });
    EXPECT_FALSE(sample.small() && takes(row, scalar)) << "as in " << sample.name << ": add a sample";
  }
}

TEST_P(CompleteRow, HasASampleThatBroadcastsUnlessTheOpRefusesIt) {
  const Row& row = *GetParam();
  const auto shapes_differ = [](const auto& of) {
    return std::any_of(of.inputs.begin(), of.inputs.end(),
                       [&](const auto& input) { return input.shape != of.inputs[0].shape; });
  };
  if (std::any_of(row.samples.begin(), row.samples.end(), shapes_differ) ||
      std::any_of(row.edges.begin(), row.edges.end(), shapes_differ))
    return;
  for (const Sample& sample : row.samples) {
    if (!sample.small() || sample.input_elements() < 2) continue;
    for (std::size_t which = 0; which < sample.inputs.size() && sample.inputs.size() > 1; ++which) {
      const Sample one = reshaped(sample, [which](std::size_t input, const Shape& shape) {
        if (input != which) return shape;
        Shape ones = shape;
        for (int axis = 0; axis < ones.rank(); ++axis) ones[axis] = 1;
        return ones;
      });
      if (one.inputs[which].dtype || one.inputs[which].shape == sample.inputs[which].shape) continue;
      EXPECT_FALSE(takes(row, one)) << "input " << which << " of sample " << sample.name << ": add a sample";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, CompleteRow, ::testing::ValuesIn(rows_where([](const Row&) { return true; })), row_name);

}  // namespace
}  // namespace dagrad::op_table
