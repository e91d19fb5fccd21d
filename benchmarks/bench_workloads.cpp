// Every workload (workloads/workload.h) on one and two threads. The time of the chains is per op, forward and backward
// (per pair of ops for chain_mm32), in `per_op`. `peak_bytes` is what there is at most at a time: data,
// parameters, the optimizer's states, gradients and what the graph keeps.
//
//   bench_workloads --benchmark_filter=mlp1024
#include <benchmark/benchmark.h>

#include "dagrad/core/allocator.h"
#include "workloads/workload.h"

namespace dagrad {
namespace {

void run(benchmark::State& state, const workloads::Workload& workload, int threads) {
  const workloads::Step step = workloads::prepare(workload, threads);
  for (int i = 0; i < 3; ++i) step();
  reset_peak_bytes();
  for ([[maybe_unused]] auto _ : state) step();
  using benchmark::Counter;
  state.counters["peak_bytes"] =
      Counter(static_cast<double>(allocator_statistics().peak_bytes), Counter::kDefaults, Counter::kIs1024);
  if (workload.per != 1)
    state.counters["per_op"] = Counter(workload.per, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

// All on one thread come first: in a program that has only ever had one, counting references takes no locked
// instructions.
void add_all() {
  for (const int threads : {1, 2}) {
    for (const workloads::Workload& workload : workloads::all()) {
      benchmark::RegisterBenchmark((workload.name + "/threads:" + std::to_string(threads)).c_str(),
                                   [&workload, threads](benchmark::State& state) { run(state, workload, threads); })
          ->Unit(benchmark::kMicrosecond)
          ->UseRealTime();
    }
  }
}

}  // namespace
}  // namespace dagrad

int main(int count, char** arguments) {
  dagrad::add_all();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
