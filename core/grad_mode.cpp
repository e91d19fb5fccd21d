#include "dagrad/core/grad_mode.h"

namespace dagrad::detail {

constinit thread_local bool recording = true;

}  // namespace dagrad::detail
