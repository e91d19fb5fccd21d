#include "dagrad/ops/streamed_copy.h"

#include <cstdint>
#include <cstring>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/streamed_copy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void streamed(const std::uint8_t* from, std::uint8_t* to, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (reinterpret_cast<std::uintptr_t>(to) % lanes == 0) {
    for (; i + lanes <= bytes; i += lanes) hn::Stream(hn::LoadU(d, from + i), d, to + i);
  }
  std::memcpy(to + i, from + i, bytes - i);
}

}  // namespace dagrad::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cstring>

namespace dagrad {

HWY_EXPORT(streamed);

void streamed_copy(const void* from, void* to, std::size_t bytes) {
  HWY_DYNAMIC_DISPATCH(streamed)(static_cast<const std::uint8_t*>(from), static_cast<std::uint8_t*>(to), bytes);
}

void end_of_streamed_copies() { hwy::FlushStream(); }

}  // namespace dagrad
#endif
