// Every op of the op table in three sizes, f32 and bf16, on one and two threads: `forward`, and `step`, which records
// the op and runs its backward. Counters: bytes of inputs and results (twice that in a step) and, where the table knows
// them, floating-point operations of the forward.
//
//   bench_ops --benchmark_filter='^(tanh|matmul)/large.*f32'
#include <benchmark/benchmark.h>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "op_table/inputs.h"
#include "op_table/op_table.h"

namespace dagrad {
namespace {

using op_table::Row;

double bytes_of(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (const Tensor& t : tensors) bytes += static_cast<double>(t.bytes());
  return bytes;
}

/// The inputs of the latest benchmark: drawing four million numbers for each of its runs would take longer than it.
const std::vector<Tensor>& inputs_of(const Row& row, const op_table::Benchmark& what, DType dtype) {
  static std::pair<const op_table::Benchmark*, DType> latest;
  static std::vector<Tensor> tensors;
  if (latest != std::pair(&what, dtype)) {
    tensors.clear();
    tensors = op_table::to_tensors(what.sample, op_table::draw(row, what.sample, dtype), dtype);
    latest = {&what, dtype};
  }
  return tensors;
}

void count(benchmark::State& state, double bytes, double flops) {
  using benchmark::Counter;
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::kIs1024);
  if (flops > 0) state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void forward(benchmark::State& state, const Row& row, const op_table::Benchmark& what, DType dtype) {
  const std::vector<Tensor>& inputs = inputs_of(row, what, dtype);
  const NoGrad guard;
  const double bytes = bytes_of(inputs) + bytes_of(what.sample.call(inputs));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(what.sample.call(inputs));
  count(state, bytes, what.flops);
}

void step(benchmark::State& state, const Row& row, const op_table::Benchmark& what, DType dtype) {
  std::vector<Tensor> inputs, wanted, diff;
  for (const Tensor& input : inputs_of(row, what, dtype)) {
    inputs.push_back(input.detach());
    if (is_floating(input.dtype())) wanted.push_back(inputs.back().requires_grad_());
  }
  for (const Tensor& result : what.sample.call(inputs)) diff.push_back(ones(result.shape(), result.dtype()));
  const auto run = [&] { return grad(what.sample.call(inputs), wanted, diff, {.allow_unused = true}); };
  benchmark::DoNotOptimize(run());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(run());
  count(state, 2 * (bytes_of(inputs) + bytes_of(diff)), 0);
}

void add(const Row& row, const op_table::Benchmark& what, DType dtype, const char* kind,
         void (*run)(benchmark::State&, const Row&, const op_table::Benchmark&, DType)) {
  for (const int threads : {1, 2}) {
    const std::string name = row.name + "/" + what.sample.name + "/" + kind + "/" + std::string(name_of(dtype)) +
                             "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=, &row, &what](benchmark::State& state) {
                                   set_num_threads(threads);
                                   set_flush_denormals(true);
                                   run(state, row, what, dtype);
                                 })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
}

}  // namespace
}  // namespace dagrad

int main(int argc, char** argv) {
  // There are some four thousand: by default each gets a tenth of the usual time. What is named on the line comes later
  // and wins.
  std::string less_time = "--benchmark_min_time=0.05";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, less_time.data());
  int count = static_cast<int>(arguments.size());
  for (const dagrad::op_table::Row& row : dagrad::op_table::rows()) {
    for (const dagrad::op_table::Benchmark& what : row.benchmarks) {
      for (const dagrad::DType dtype : {dagrad::f32, dagrad::bf16}) {
        if (dtype == dagrad::bf16 && !row.takes_bf16) continue;
        dagrad::add(row, what, dtype, "forward", dagrad::forward);
        if (row.orders > 0) dagrad::add(row, what, dtype, "step", dagrad::step);
      }
    }
  }
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
