#include "dagrad/core/bf16_rows.h"

#include <bit>
#include <gtest/gtest.h>
#include <vector>

namespace dagrad {
namespace {

TEST(Bf16Rows, ConvertAsSingleElementsDo) {
  std::vector<float> src;
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    // Ties, their neighbours, infinities, NaNs and denormals among them.
    for (const std::uint32_t lower : {0x0000U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
      src.push_back(std::bit_cast<float>(upper << 16 | lower));
  }
  src.resize(src.size() - 3);  // and a tail
  const auto count = static_cast<std::int64_t>(src.size());
  std::vector<BFloat16> narrowed(src.size());
  narrow(src.data(), narrowed.data(), count);
  std::vector<float> widened(src.size());
  widen(narrowed.data(), widened.data(), count);
  for (std::size_t i = 0; i < src.size(); ++i) {
    ASSERT_EQ(narrowed[i].bits, BFloat16(src[i]).bits) << std::bit_cast<std::uint32_t>(src[i]);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(widened[i]), std::uint32_t{narrowed[i].bits} << 16);
  }
}

}  // namespace
}  // namespace dagrad
