// What recording costs: chains of recorded ops on 16 floats, on one thread. A run builds the chain, differentiates it
// and frees it. Counters, per op: nanoseconds in all, of the forward, of the backward and of freeing the graph, and the
// bytes that the allocator has given at the peak, for nodes, tensors and elements. None may grow with the length, and
// no length may need more stack:
//
//   (ulimit -s 256; bench_tape)
#include <benchmark/benchmark.h>
#include <chrono>

#include "dagrad/core/allocator.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::nano>(to - from).count();
}

template <class Step>
void chain(benchmark::State& state, const Step& step) {
  set_num_threads(1);
  const auto length = state.range(0);
  const Tensor x = full({16}, 0.5).requires_grad_();
  std::size_t peak = 0;
  double forward = 0, backward = 0, freeing = 0;
  for ([[maybe_unused]] auto _ : state) {
    const std::size_t before = allocator_statistics().live_bytes;
    reset_peak_bytes();
    const auto start = Clock::now();
    Tensor y = x;
    for (std::int64_t i = 0; i < length; ++i) y = step(y);
    Tensor total = sum(y);
    y = {};
    const auto recorded = Clock::now();
    total.backward();
    const auto differentiated = Clock::now();
    total = {};
    freeing += nanoseconds(differentiated, Clock::now());
    forward += nanoseconds(start, recorded);
    backward += nanoseconds(recorded, differentiated);
    peak = allocator_statistics().peak_bytes - before;
    x.zero_grad();
  }
  const auto ops = static_cast<double>(length);
  using benchmark::Counter;
  state.counters["per_op"] = Counter(ops, Counter::kIsIterationInvariantRate | Counter::kInvert);
  const auto per_op = [&](double all) { return Counter(all / ops, Counter::kAvgIterations); };
  state.counters["forward_ns"] = per_op(forward);
  state.counters["backward_ns"] = per_op(backward);
  state.counters["freeing_ns"] = per_op(freeing);
  state.counters["bytes_per_op"] = static_cast<double>(peak) / ops;
}

void chain_add(benchmark::State& state) {
  const Tensor a = full({16}, 1e-3);
  chain(state, [&a](const Tensor& y) { return y + a; });
}
// Keeps each result for the backward.
void chain_tanh(benchmark::State& state) {
  chain(state, [](const Tensor& y) { return tanh(y); });
}

void lengths(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1'000)->RangeMultiplier(10)->Range(10'000, 10'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK(chain_add)->Apply(lengths);
BENCHMARK(chain_tanh)->Apply([](benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1'000)->RangeMultiplier(10)->Range(10'000, 1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
});

}  // namespace
}  // namespace dagrad

BENCHMARK_MAIN();
