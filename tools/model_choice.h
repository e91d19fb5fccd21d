// A model to look at, from a file or from options, with a batch of random numbers to feed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "tools/model_options.h"
#include "tools/option_list.h"

namespace dagrad::tools {

/// What decides which model.
struct ModelChoice {
  std::string file = {};  ///< of `dagrad train --save`; empty: the options say
  ModelOptions options = {};
  std::string input = "1,28,28";
  std::int64_t outputs = 10;
  std::int64_t batch = 64;
  std::string dtype = "f32";
  std::uint64_t seed = 0;

  /// Whether a model was named at all: for commands that have something else to do.
  bool is_made() const { return !file.empty() || !options.kind.empty(); }
};

/// Takes the word that names a model file, if there is one, out of words that would otherwise be ops.
void take_file(std::vector<std::string>& words, ModelChoice& choice);

/// All options but file and dtype, for which commands have their own places.
void describe(ModelChoice& choice, OptionList& list);
/// Throws UsageError for what is out of range.
void check(const ModelChoice& choice);

/// A model, its parameters named, and a batch for it.
struct ChosenModel {
  std::string title;  ///< like `mlp 1,28,28 -> 10` or the file's name
  nn::AnyModule module;
  Tensor x;       ///< [N, ...]
  Tensor target;  ///< [N] classes, or [N, K] numbers
  bool classifies = true;

  /// The mean cross-entropy of the classes, or the mean squared error of the numbers.
  Tensor loss() const { return loss_of(x); }
  Tensor loss_of(const Tensor& batch) const;
};

/// Throws IoError for the file, UsageError for options that do not make a model.
ChosenModel choose_model(const ModelChoice& choice);

}  // namespace dagrad::tools
