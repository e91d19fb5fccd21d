#include "dagrad/core/autocast.h"

namespace dagrad::detail {

constinit thread_local bool autocast = false;

}  // namespace dagrad::detail
