// What nn::Trainer adds to a loop written by hand: an epoch of each, over the same batches.
#include <benchmark/benchmark.h>
#include <string>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/nn.h"
#include "dagrad/nn/training/trainer.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad {
namespace {

constexpr std::int64_t kSteps = 50;  // of an epoch

struct Size {
  const char* name;
  std::vector<std::int64_t> widths;
  std::int64_t batch;
};

/// A model with its optimizer and its batches, of random numbers.
struct Training {
  explicit Training(const Size& size, const data::LoaderOptions& options)
      : net(nn::mlp(size.widths)),
        adam(net.parameters()),
        loader({randn({kSteps * size.batch, size.widths.front()}),
                randint(0, size.widths.back(), {kSteps * size.batch}), size.widths.back()},
               options) {}

  nn::Sequential net;
  optim::Adam adam;
  data::DataLoader loader;
};

void by_hand(benchmark::State& state, const Size& size) {
  set_num_threads(1);
  set_flush_denormals(true);  // as the Trainer does
  Training t(size, {.batch_size = size.batch});
  for (auto _ : state) {
    double loss_sum = 0;
    for (const data::Batch& batch : t.loader) {
      t.adam.zero_grad();
      const Tensor loss = cross_entropy(t.net(batch.features), batch.labels);
      loss.backward();
      t.adam.step();
      loss_sum += loss.item<double>();
    }
    benchmark::DoNotOptimize(loss_sum);
  }
  state.SetItemsProcessed(state.iterations() * kSteps);
}

void by_trainer(benchmark::State& state, const Size& size) {
  set_num_threads(1);
  Training t(size, {.batch_size = size.batch});
  for (auto _ : state) {
    nn::Trainer trainer(t.net, t.adam, nn::CrossEntropyLoss(), t.loader, {.epochs = 1});
    benchmark::DoNotOptimize(trainer.fit().epochs.size());
  }
  state.SetItemsProcessed(state.iterations() * kSteps);
}

}  // namespace
}  // namespace dagrad

int main(int argc, char** argv) {
  using namespace dagrad;
  const std::vector<Size> sizes = {
      {"tiny_mlp", {2, 16, 16, 2}, 32}, {"small_mlp", {784, 128, 10}, 64}, {"mlp1024", {784, 1024, 1024, 10}, 128}};
  for (const Size& size : sizes) {
    benchmark::RegisterBenchmark((std::string("by_hand/") + size.name).c_str(), by_hand, size)->UseRealTime();
    benchmark::RegisterBenchmark((std::string("trainer/") + size.name).c_str(), by_trainer, size)->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
