#include "dagrad/core/onednn/ledger.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad::onednn {
namespace {

/// The first entry of an op for a kind of primitive.
std::optional<LedgerEntry> find(const Ledger& ledger, std::string_view op, std::string_view primitive) {
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.op == op && entry.primitive == primitive) return entry;
  }
  return std::nullopt;
}

TEST(Ledger, BooksWhichImplementationRanForWhichOp) {
  const Tensor a = ones({127, 67}), b = ones({67, 59});
  Ledger ledger;
  (void)dagrad::matmul(a, b);
  (void)dagrad::matmul(a, b);
  (void)dagrad::tanh(ones({1 << 14}));
  const auto product = find(ledger, "matmul", "matmul"), map = find(ledger, "tanh", "eltwise");
  ASSERT_TRUE(product && map) << ledger;
  EXPECT_FALSE(product->implementation.empty());
  EXPECT_EQ(product->executions, 2u);
  EXPECT_EQ(product->misses, 1u);
  EXPECT_EQ(product->hits, 1u);
  EXPECT_GT(product->creation_ns, 0u);
  EXPECT_GT(product->execution_ns, 0u);
  EXPECT_EQ(map->executions, 1u);
}

TEST(Ledger, BooksTheOpsOfABackward) {
  const Tensor a = ones({127, 67}).requires_grad_(), b = ones({67, 59});
  const Tensor c = dagrad::matmul(a, b);
  Ledger ledger;
  c.backward(ones(c.shape()));
  EXPECT_TRUE(find(ledger, "matmul", "matmul")) << ledger;
}

TEST(Ledger, SeesNothingBeforeItsLifeAndAfterClear) {
  const Tensor a = ones({127, 67}), b = ones({67, 59});
  (void)dagrad::matmul(a, b);
  Ledger ledger;
  EXPECT_TRUE(ledger.entries().empty());
  (void)dagrad::matmul(a, b);
  EXPECT_EQ(ledger.entries().size(), 1u);
  ledger.clear();
  EXPECT_TRUE(ledger.entries().empty());
}

TEST(Ledger, Nests) {
  const Tensor a = ones({127, 67}), b = ones({67, 59});
  Ledger outer;
  {
    Ledger inner;
    (void)dagrad::matmul(a, b);
    EXPECT_EQ(find(inner, "matmul", "matmul")->executions, 1u);
  }
  (void)dagrad::matmul(a, b);
  EXPECT_EQ(find(outer, "matmul", "matmul")->executions, 2u);
}

TEST(Ledger, BooksPrimitivesThatRunOutsideOfOps) {
  const Tensor a = ones({64});
  Tensor dst = zeros({64});
  Ledger ledger;
  eltwise(Eltwise::tanh, a, dst);
  EXPECT_TRUE(find(ledger, "(none)", "eltwise")) << ledger;
}

/// The kernel of dropout reads its input in one piece, so it has to copy a transpose.
Tensor copying_op(const Tensor& t) { return dropout(transpose(t, 0, 1), 0.5); }

TEST(Ledger, WarnsOfCopiesOfLargeOperands) {
  std::vector<std::string> heard;
  Ledger ledger({.on_warning = [&](const std::string& text) { heard.push_back(text); }});
  (void)copying_op(ones({8, 10}));
  const auto copied = find(ledger, "dropout", "copy");
  ASSERT_TRUE(copied) << ledger;
  EXPECT_EQ(copied->moved_bytes, 2u * 8 * 10 * 4);
  EXPECT_TRUE(ledger.warnings().empty());
  (void)copying_op(ones({256, 128}));
  (void)copying_op(ones({256, 128}));
  ASSERT_EQ(ledger.warnings().size(), 1u);
  EXPECT_EQ(heard, ledger.warnings());
  EXPECT_NE(heard[0].find("ledger: 'dropout' at "), std::string::npos) << heard[0];
  EXPECT_NE(heard[0].find("ledger_test.cpp:"), std::string::npos) << heard[0];
  EXPECT_NE(heard[0].find("copies an operand of 131072 bytes (want it contiguous or channels-last"), std::string::npos)
      << heard[0];
}

TEST(Ledger, AcceptsWhatIsAllowed) {
  Ledger ledger({.strict = true, .allow = {"dropout"}});
  (void)copying_op(ones({256, 128}));
  EXPECT_TRUE(find(ledger, "dropout", "copy"));
  EXPECT_TRUE(ledger.warnings().empty());
}

TEST(Ledger, ThrowsWhenStrict) {
  Ledger ledger({.strict = true});
  EXPECT_THROW((void)copying_op(ones({256, 128})), PerformanceError);
}

/// Softmax along an axis that is not the last is left to reference code by oneDNN 2.6.
TEST(Ledger, WarnsOfReferenceCode) {
  const Tensor src = ones({32, 4, 700});
  Tensor dst = zeros({32, 4, 700});
  Ledger ledger;
  log_softmax(src, 1, dst);
  const std::vector<LedgerEntry> entries = ledger.entries();
  ASSERT_EQ(entries.size(), 1u);
  if (!entries[0].implementation.starts_with("ref")) GTEST_SKIP() << "this version has fast code: " << ledger;
  ASSERT_EQ(ledger.warnings().size(), 1u);
  EXPECT_NE(ledger.warnings()[0].find("runs oneDNN's reference code '" + entries[0].implementation + "'"),
            std::string::npos)
      << ledger.warnings()[0];
}

TEST(Ledger, PrintsATable) {
  Ledger ledger;
  (void)dagrad::matmul(ones({127, 67}), ones({67, 59}));
  const std::string text = ledger.str();
  EXPECT_EQ(text.rfind("op ", 0), 0u);
  EXPECT_NE(text.find("implementation"), std::string::npos);
  EXPECT_NE(text.find("\nmatmul "), std::string::npos) << text;
}

}  // namespace
}  // namespace dagrad::onednn
