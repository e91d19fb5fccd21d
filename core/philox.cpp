#include "dagrad/core/philox.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/core/philox.cpp"
#include <algorithm>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/random.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::philox::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void words(std::uint64_t seed, std::uint64_t position, std::uint32_t* to) {
  for (std::uint64_t block = 0; block < static_cast<std::uint64_t>(kBlocks); ++block) {
    const auto four = Generator::block(seed, position + block);
    std::copy(four.begin(), four.end(), to + 4 * block);
  }
}

#else

using D = hn::ScalableTag<std::uint64_t>;
using V = hn::Vec<D>;

/// The product of the lower halves of the lanes.
HWY_INLINE V multiply(V a, V b) {
  const hn::Repartition<std::uint32_t, D> halves;
  return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, b));
}

/// Four words of a block in each lane, in its lower half; the upper halves hold anything.
struct State {
  V x0, x1, x2, x3;
};

/// A round of Philox4x32 (Salmon et al., SC 2011), whose multipliers these are.
HWY_INLINE void round(State& s, V key0, V key1) {
  const D d;
  const V p0 = multiply(s.x0, hn::Set(d, 0xD2511F53u)), p1 = multiply(s.x2, hn::Set(d, 0xCD9E8D57u));
  s.x0 = hn::Xor3(hn::ShiftRight<32>(p1), s.x1, key0);
  s.x2 = hn::Xor3(hn::ShiftRight<32>(p0), s.x3, key1);
  s.x1 = p1;
  s.x3 = p0;
}

void words(std::uint64_t seed, std::uint64_t position, std::uint32_t* to) {
  const D d;
  const auto lanes = static_cast<std::uint64_t>(hn::Lanes(d));
  // Four states at a time, for a round is one chain of dependent instructions.
  const V low = hn::Set(d, 0xffffffffu), first = hn::Iota(d, 0);
  for (std::uint64_t block = 0; block < static_cast<std::uint64_t>(kBlocks); block += 4 * lanes) {
    const auto start = [&](std::uint64_t k) HWY_ATTR {
      const V counter = hn::Add(first, hn::Set(d, position + block + k * lanes));
      return State{counter, hn::ShiftRight<32>(counter), hn::Zero(d), hn::Zero(d)};
    };
    State a = start(0), b = start(1), c = start(2), e = start(3);
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int i = 0; i < 10; ++i) {
      const V k0 = hn::Set(d, key0), k1 = hn::Set(d, key1);
      round(a, k0, k1);
      round(b, k0, k1);
      round(c, k0, k1);
      round(e, k0, k1);
      key0 += 0x9E3779B9u;  // the key's steps, likewise
      key1 += 0xBB67AE85u;
    }
    const auto store = [&](const State& s, std::uint64_t k) HWY_ATTR {
      // In each lane, the pair of words that stand side by side; then the pairs of a block side by side.
      const V first_pair = hn::Or(hn::And(s.x0, low), hn::ShiftLeft<32>(s.x1));
      const V second_pair = hn::Or(hn::And(s.x2, low), hn::ShiftLeft<32>(s.x3));
      hn::StoreInterleaved2(first_pair, second_pair, d, reinterpret_cast<std::uint64_t*>(to) + 2 * (block + k * lanes));
    };
    store(a, 0);
    store(b, 1);
    store(c, 2);
    store(e, 3);
  }
}

#endif

}  // namespace dagrad::philox::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::philox {

HWY_EXPORT(words);

void words(std::uint64_t seed, std::uint64_t position, std::uint32_t* to) {
  HWY_DYNAMIC_DISPATCH(words)(seed, position, to);
}

}  // namespace dagrad::philox
#endif
