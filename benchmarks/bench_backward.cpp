// What a backward costs beside its forward, for multilayer perceptrons from small to large. Arithmetic alone makes it
// twice as much: each product has two in its backward. Counters: microseconds of either, and their ratio, of the
// fastest runs; it is to be at most 2.1 where arithmetic is what takes the time.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <limits>

#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

/// All gradients, that of the input too, so that every product has its two.
void mlp(benchmark::State& state) {
  const std::int64_t width = state.range(0), batch = state.range(1);
  set_num_threads(static_cast<int>(state.range(2)));
  set_flush_denormals(true);
  manual_seed(0);
  nn::Sequential net = nn::mlp({width, width, width, width});
  const Tensor x = randn({batch, width}).requires_grad_(), y = randint(0, width, {batch});
  constexpr double kNone = std::numeric_limits<double>::infinity();
  double forward = kNone, backward = kNone;
  for (int i = 0; i < 3; ++i) cross_entropy(net(x), y).backward();
  for ([[maybe_unused]] auto _ : state) {
    net.zero_grad();
    x.zero_grad();
    const auto start = Clock::now();
    const Tensor loss = cross_entropy(net(x), y);
    const auto between = Clock::now();
    loss.backward();
    backward = std::min(backward, microseconds(between, Clock::now()));
    forward = std::min(forward, microseconds(start, between));
  }
  state.counters["forward_us"] = forward;
  state.counters["backward_us"] = backward;
  state.counters["ratio"] = backward / forward;
}

BENCHMARK(mlp)
    ->ArgNames({"width", "batch", "threads"})
    ->ArgsProduct({{64, 256, 1024, 2048}, {128, 512}, {1, 2}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace dagrad

BENCHMARK_MAIN();
