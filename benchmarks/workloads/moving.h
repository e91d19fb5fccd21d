// The time that moving bytes takes, by which passes over memory are measured.
#pragma once

#include <cstdint>
#include <functional>

namespace dagrad::workloads {

constexpr int kBytesMoved = 28;  // for each element, by a pass

/// A pass over `count` elements of four f32 arrays that reads them all and writes three of them, as Adam's step does,
/// and computes no more than an addition for each; on the threads that are set when it is called.
std::function<void()> moving_pass(std::int64_t count);

}  // namespace dagrad::workloads
