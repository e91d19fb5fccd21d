#include "dagrad/nn/embedding.h"

#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/bilinear.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

TEST(Embedding, StartsNormalWithZerosForThePadding) {
  manual_seed(1);
  const Embedding table(400, 25, {.padding_idx = -1});
  EXPECT_EQ(max(abs(select(table.weight, 0, 399))).item<float>(), 0.0f);
  EXPECT_NEAR(mean(table.weight).item<float>(), 0, 0.05);
  EXPECT_NEAR(mean(square(table.weight)).item<float>(), 1, 0.05);
  EXPECT_EQ(table.describe(), "Embedding(400, 25, padding_idx=-1)");
}

TEST(Embedding, LooksUpRowsAndTrainsThoseThatWereUsed) {
  Embedding table(4, 2, {.padding_idx = 0});
  const Tensor result = table(tensor({3, 0, 3}, i64));
  EXPECT_EQ(result.shape(), (Shape{3, 2}));
  sum(result).backward();
  EXPECT_EQ(table.weight.grad().to_vector<float>(), (std::vector<float>{0, 0, 0, 0, 0, 0, 2, 2}));
}

TEST(Embedding, TakesAGivenTable) {
  const Tensor rows = randn({3, 2});
  Embedding frozen = Embedding::from_pretrained(rows);
  EXPECT_FALSE(frozen.weight.requires_grad());
  EXPECT_EQ(frozen(tensor({1}, i64)).to_vector<float>(), narrow(rows, 0, 1, 1).to_vector<float>());
  EXPECT_TRUE(Embedding::from_pretrained(rows, false).weight.requires_grad());
  EXPECT_FALSE(rows.requires_grad());
}

TEST(Embedding, SaysWhatIsWrong) {
  expect_error<ShapeError>([] { Embedding(0, 2); },
                           "Embedding: the table is [0, 2] (want [num_embeddings, embedding_dim], both at least 1)");
  expect_error<UsageError>([] { Embedding(3, 2, {.padding_idx = 3}); },
                           "Embedding: padding_idx is 3 (want -3 to 2, or none)");
}

TEST(Bilinear, MultipliesBothInputs) {
  manual_seed(2);
  Bilinear layer(2, 3, 1);
  layer.weight = tensor({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  layer.bias = tensor({100.0});
  EXPECT_EQ(layer(tensor({1, 10}), tensor({1, 0, 2})).to_vector<float>(), std::vector<float>{1 + 6 + 40 + 120 + 100});
  EXPECT_EQ(Bilinear(2, 3, 4, false).describe(), "Bilinear(2, 3, 4, bias=false)");
  expect_error<ShapeError>([] { Bilinear(2, 0, 4); }, "Bilinear: in1 is 2, in2 is 0, out is 4 (want all at least 1)");
}

}  // namespace
}  // namespace dagrad::nn
