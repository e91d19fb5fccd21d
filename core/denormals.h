// Denormal numbers.
#pragma once

namespace dagrad {

/// Whether the calling thread, and the threads that its ops use, take numbers below 1e-38 (f32) for 0: as inputs and as
/// results. Arithmetic on them costs a hundred times as much and no training needs it. Off at the start.
/// Does nothing on processors without such a switch.
void set_flush_denormals(bool on);

/// Whether it is on in the calling thread.
bool flush_denormals();

}  // namespace dagrad
