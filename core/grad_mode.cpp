#include "dagrad/core/grad_mode.h"

namespace dagrad {
namespace {

thread_local bool recording = true;
thread_local bool anomaly = false;

}  // namespace

bool grad_enabled() { return recording; }
void set_grad_enabled(bool enabled) { recording = enabled; }

bool anomaly_enabled() { return anomaly; }
AnomalyMode::AnomalyMode(bool enabled) : before_(anomaly) { anomaly = enabled; }
AnomalyMode::~AnomalyMode() { anomaly = before_; }

}  // namespace dagrad
