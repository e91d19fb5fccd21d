// Many words of a Generator's stream at once. Internal.
#pragma once

#include <cstdint>

namespace dagrad::philox {

/// How many words a call of `words` gives.
inline constexpr std::int64_t kWords = 1024;
inline constexpr std::int64_t kBlocks = kWords / 4;

/// The words of Generator::block(seed, position), block(seed, position + 1), ..., in this order: kWords of them, as
/// many blocks side by side as a SIMD register holds. Some 0.4 ns a word, where the blocks one by one take 2.5.
void words(std::uint64_t seed, std::uint64_t position, std::uint32_t* to);

}  // namespace dagrad::philox
