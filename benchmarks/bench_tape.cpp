// What recording costs: chains of recorded ops on 16 floats, on one thread. A run builds the chain, differentiates it
// and frees it. Counters: ns and bytes per op, the bytes being the allocator's at the peak, with nodes, tensors and
// elements. Neither may grow with the length, and no length may need more stack:
//
//   (ulimit -s 256; bench_tape)
#include <benchmark/benchmark.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

template <class Step>
void chain(benchmark::State& state, const Step& step) {
  set_num_threads(1);
  const auto length = state.range(0);
  const Tensor x = full({16}, 0.5).requires_grad_();
  std::size_t peak = 0;
  for ([[maybe_unused]] auto _ : state) {
    const std::size_t before = allocator_statistics().live_bytes;
    reset_peak_bytes();
    Tensor y = x;
    for (std::int64_t i = 0; i < length; ++i) y = step(y);
    Tensor total = sum(y);
    y = {};
    total.backward();
    total = {};
    peak = allocator_statistics().peak_bytes - before;
    x.zero_grad();
  }
  const auto ops = static_cast<double>(length);
  using benchmark::Counter;
  state.counters["per_op"] = Counter(ops, Counter::kIsIterationInvariantRate | Counter::kInvert);
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
  benchmark->RangeMultiplier(10)->Range(10'000, 10'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK(chain_add)->Apply(lengths);
BENCHMARK(chain_tanh)->Apply([](benchmark::internal::Benchmark* benchmark) {
  benchmark->RangeMultiplier(10)->Range(10'000, 1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();
});

}  // namespace
}  // namespace dagrad

BENCHMARK_MAIN();
