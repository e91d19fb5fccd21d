#include "dagrad/core/denormals.h"

#include "dagrad/core/parallel.h"

#ifdef __SSE__
#include <pmmintrin.h>
#include <xmmintrin.h>
#endif

namespace dagrad {

void set_flush_denormals(bool on) {
#ifdef __SSE__
  const auto set = [on] {
    _MM_SET_FLUSH_ZERO_MODE(on ? _MM_FLUSH_ZERO_ON : _MM_FLUSH_ZERO_OFF);
    _MM_SET_DENORMALS_ZERO_MODE(on ? _MM_DENORMALS_ZERO_ON : _MM_DENORMALS_ZERO_OFF);
  };
  set();
  parallel_for(num_threads(), 1, [&](std::int64_t, std::int64_t) { set(); });
#else
  static_cast<void>(on);
#endif
}

bool flush_denormals() {
#ifdef __SSE__
  return _MM_GET_FLUSH_ZERO_MODE() == _MM_FLUSH_ZERO_ON;
#else
  return false;
#endif
}

}  // namespace dagrad
