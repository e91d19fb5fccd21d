// What the op table does not see of einsum: what is shared, and in which order it multiplies.
#include "dagrad/ops/einsum.h"

#include <gtest/gtest.h>

#include "dagrad/core/creation.h"

namespace dagrad {
namespace {

TEST(Einsum, OfOneOperandIsAViewWhereNothingIsSummed) {
  const Tensor x = zeros({4, 4});
  for (const char* subscripts : {"ij->ji", "ii->i", "...j->j..."})
    EXPECT_EQ(einsum(subscripts, {x}).storage(), x.storage()) << subscripts;
}

TEST(Einsum, MultipliesManyOperandsInAnOrderThatKeepsResultsSmall) {
  // From left to right the first product would have 2^40 elements.
  const Tensor x = ones({1024, 1024});
  const Tensor row = ones({1024}), total = einsum("ij,kl,jk,i,l->", {x, x, x, row, row});
  EXPECT_EQ(total.item<double>(), 0x1p40);
}

}  // namespace
}  // namespace dagrad
