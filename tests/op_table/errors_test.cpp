// Bad input gets exactly the error that the row states.
#include "op_table/cases.h"

namespace dagrad::op_table {
namespace {

class Errors : public ::testing::TestWithParam<const Row*> {};

TEST_P(Errors, HaveTheKindAndTheMessageThatTheRowStates) {
  for (const Bad& bad : GetParam()->bad) {
    const std::string wrong = bad.run();
    EXPECT_TRUE(wrong.empty()) << bad.name << "\n" << wrong;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Errors, ::testing::ValuesIn(rows_where([](const Row& row) { return !row.bad.empty(); })),
                         row_name);

}  // namespace
}  // namespace dagrad::op_table
