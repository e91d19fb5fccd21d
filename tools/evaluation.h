// How good a model is.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/data/dataset.h"
#include "dagrad/nn/module.h"

namespace dagrad::tools {

/// Of samples with classes: how often they are right.
struct ClassFigures {
  double accuracy = 0;
  double precision = 0, recall = 0, f1 = 0;  ///< of class 1 of two, else the mean over the classes
  std::optional<double> auc;                 ///< of two classes that both occur
  struct Class {
    std::string name;
    double precision = 0, recall = 0, f1 = 0;
    std::int64_t samples = 0;
  };
  std::vector<Class> classes;
  std::vector<std::int64_t> confusion;  ///< [classes, classes]: how often one (row) was taken for another (column)
};

/// Of samples with numbers: how far off they are.
struct NumberFigures {
  double mse = 0, rmse = 0, mae = 0, r2 = 0;
};

struct Evaluation {
  std::int64_t samples = 0;
  double loss = 0;  ///< cross-entropy or mean squared error
  std::optional<ClassFigures> classes;
  std::optional<NumberFigures> numbers;
};

/// What the model gives for all samples, [N, outputs] in f32: computed in parts, in evaluation mode, unrecorded. The
/// model's mode stays what it was.
Tensor outputs_of(nn::Module& model, const Tensor& features);

/// From such outputs. `names` are those of the classes; empty for numbers.
Evaluation evaluate(const Tensor& outputs, const data::Dataset& dataset, const std::vector<std::string>& names);

nlohmann::ordered_json to_json(const Evaluation& evaluation);
/// Its tables for a terminal.
std::string text_of(const Evaluation& evaluation);

}  // namespace dagrad::tools
