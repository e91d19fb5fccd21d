// A small run with chance wherever there can be some, for tests of the Trainer and its checkpoints.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/augmentation.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/nn/nn.h"
#include "dagrad/nn/training/trainer.h"
#include "dagrad/optim/optim.h"

namespace dagrad::nn {

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)>;

inline std::unique_ptr<optim::Optimizer> make_adam(const std::vector<Tensor>& parameters) {
  return std::make_unique<optim::Adam>(parameters, optim::AdamOptions{.lr = 0.02});
}

struct SmallRunOptions {
  MakeOptimizer optimizer = make_adam;
  TrainerOptions trainer = {.epochs = 3};
  int workers = 2;
  std::int64_t width = 9;
};

/// Two spirals, a network with dropout and batch norm, noise and mixup from the loader's workers: 5 batches an epoch,
/// the last one smaller.
struct SmallRun {
  explicit SmallRun(const SmallRunOptions& options = {})
      : model(seeded_network(options.width)),
        optimizer(options.optimizer(model.parameters())),
        loader(data::spirals(75), {.batch_size = 16,
                                   .seed = 11,
                                   .transform = data::compose({data::add_noise(0.05), data::mixup(2, 0.4)}),
                                   .workers = options.workers}),
        trainer(model, *optimizer, CrossEntropyLoss(), loader, options.trainer) {
    manual_seed(5);
  }

  static Sequential seeded_network(std::int64_t width) {
    manual_seed(4);
    return Sequential(Linear(2, width), BatchNorm1d(width), Tanh(), Dropout(0.3), Linear(width, 2));
  }

  /// Every bit of a checkpoint but its times; `file` is for writing it.
  std::string bits(const std::filesystem::path& file) {
    trainer.save(file);
    std::string all;
    const auto add = [&](const optim::State& state) {
      for (const auto& [name, number] : state.numbers) {
        if (name.ends_with("seconds")) continue;
        all += name;
        all.append(reinterpret_cast<const char*>(&number), sizeof number);
      }
      for (const auto& [name, t] : state.tensors) append(all, name, t);
    };
    for (const auto& [name, state] : read_checkpoint(file).parts) add(state);
    return all;
  }

  /// Every bit of the model alone.
  std::string weight_bits() const {
    std::string all;
    for (const auto& [name, t] : state(model)) append(all, name, t);
    return all;
  }

  Sequential model;
  std::unique_ptr<optim::Optimizer> optimizer;
  data::DataLoader loader;
  Trainer trainer;

 private:
  static void append(std::string& all, const std::string& name, const Tensor& t) {
    const Tensor dense = contiguous_data(t);
    all += name;
    all.append(static_cast<const char*>(dense.raw_data()), dense.bytes());
  }
};

}  // namespace dagrad::nn
