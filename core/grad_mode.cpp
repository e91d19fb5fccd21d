#include "dagrad/core/grad_mode.h"

namespace dagrad {
namespace detail {

constinit thread_local bool recording = true;
constinit thread_local bool anomaly = false;

}  // namespace detail

AnomalyMode::AnomalyMode(bool enabled) : before_(detail::anomaly) { detail::anomaly = enabled; }
AnomalyMode::~AnomalyMode() { detail::anomaly = before_; }

}  // namespace dagrad
