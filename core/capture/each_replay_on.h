// What reads and writes tensors outside of an op, for captured steps. Internal.
#pragma once

#include <span>
#include <string_view>

#include "dagrad/core/capture/capture.h"

namespace dagrad {

/// Calls f(inputs, outputs), which reads tensors and writes into others, or only checks them, now and, on the tensors
/// of a captured step, in each of its replays. `name` must live as long as the program.
template <class F>
void each_replay_on(std::string_view name, std::span<const Tensor> inputs, std::span<Tensor> outputs, const F& f) {
  if (watched(Watch::capture)) [[unlikely]]
    return Capture::on(name, inputs, outputs, f);
  f(inputs, outputs);
}

}  // namespace dagrad
