// Every optimizer with settings that use all of its states, for tests of what they have in common.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "dagrad/optim/optim.h"

namespace dagrad::optim {

struct AnyOptimizer {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)> make;
  bool fused = true;  ///< a pass over memory: takes bf16, and gives the same bits on any number of threads
  bool needs_closure = false;
};

/// For the lists of tests, which would show bytes.
inline void PrintTo(const AnyOptimizer& optimizer, std::ostream* out) { *out << optimizer.name; }

template <class O>
AnyOptimizer any(const std::string& name, const typename O::Options& options = {}, bool fused = true,
                 bool needs_closure = false) {
  return {name, [options](const std::vector<Tensor>& p) { return std::make_unique<O>(p, options); }, fused,
          needs_closure};
}

inline std::vector<AnyOptimizer> all_optimizers() {
  return {
      any<SGD>("SGD", {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}),
      any<SGDW>("SGDW", {.lr = 0.05, .momentum = 0.9, .dampening = 0.1}),
      any<Adagrad>("Adagrad", {.lr = 0.1, .lr_decay = 0.01, .weight_decay = 0.01, .initial_accumulator_value = 0.1}),
      any<RMSprop>("RMSprop", {.lr = 0.02, .momentum = 0.5, .centered = true}),
      any<Adadelta>("Adadelta", {.weight_decay = 0.01}),
      any<Adam>("Adam", {.lr = 0.05, .weight_decay = 0.01, .amsgrad = true}),
      any<AdamW>("AdamW", {.lr = 0.05, .amsgrad = true}),
      any<Adamax>("Adamax", {.lr = 0.05, .weight_decay = 0.01}),
      any<NAdam>("NAdam", {.lr = 0.05, .weight_decay = 0.01}),
      any<RAdam>("RAdam", {.lr = 0.05, .weight_decay = 0.01}),
      any<Lion>("Lion", {.lr = 0.02, .weight_decay = 0.1}),
      any<Rprop>("Rprop", {}),
      any<Adafactor>("Adafactor", {.lr = 0.1, .weight_decay = 0.01}, false),
      any<LBFGS>("LBFGS", {.lr = 0.5, .max_iter = 2, .history_size = 4}, false, true),
      any<WeightPerturbation>("WeightPerturbation", {}, false, true),
  };
}

class EveryOptimizer : public testing::TestWithParam<AnyOptimizer> {};

}  // namespace dagrad::optim
