// Whether the program has one thread only.
#pragma once

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define DAGRAD_KNOWS_SINGLE_THREADED 1
#endif
#endif

namespace dagrad {

/// Whether the calling thread is alone, so that nothing needs a locked instruction (20 cycles each, of which recording
/// and differentiating an op would take some thirty). False where the system does not say.
inline bool single_threaded() {
#ifdef DAGRAD_KNOWS_SINGLE_THREADED
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

}  // namespace dagrad
