#include "op_table/op_reference.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace dagrad::op_table {
namespace {

TEST(OpReference, IsWhatTheTableSays) {
  const std::filesystem::path root = DAGRAD_SOURCE_DIR;
  std::ifstream file(root / "docs/ops.md");
  std::stringstream committed;
  committed << file.rdbuf();
  // Not EXPECT_EQ: the difference of two long texts takes minutes to find.
  EXPECT_TRUE(committed.str() == op_reference(root))
      << "docs/ops.md is out of date: write it again with `cmake --build --preset release --target op_reference`";
}

}  // namespace
}  // namespace dagrad::op_table
