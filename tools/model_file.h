// Models as files.
//
// A model is one safetensors file: its tensors, and under "dagrad" in the metadata a JSON object that says how to build
// it again and how to read data for it. Beside it lies the configuration of the run as a file of options for --config.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "dagrad/nn/data/csv_encoding.h"
#include "dagrad/nn/feature_scaler.h"
#include "tools/model.h"

namespace dagrad::tools {

/// Everything about a model but its tensors.
struct ModelDescription {
  ModelOptions options;
  ModelShape shape;
  std::vector<std::string> classes = {};  ///< their names; empty for a model of numbers
  std::int64_t members = 1;               ///< more than one: an ensemble
  bool scales = false;                    ///< with a FeatureScaler before each network, fitted on its training part
  data::CsvEncoding csv = {};             ///< with features when the training data were a table
  nlohmann::ordered_json run = {};        ///< the options of the training, by group

  bool classifies() const { return !classes.empty(); }
};

/// Throws IoError beginning with `who` unless `features` [N, ...] are samples of the model's shape.
void check_samples(const ModelDescription& description, const Tensor& features, const std::string& who);

/// One network with what goes before it, untrained: the scaler if there is one, and the network.
nn::Sequential build_member(const ModelDescription& description);
/// The member, or the ensemble of several: an nn::Ensemble, which gives the logarithms of the mean probabilities, or
/// the mean of numbers.
nn::AnyModule join_members(const ModelDescription& description, const std::vector<nn::Sequential>& members);
/// The whole of it, untrained.
nn::AnyModule build_model(const ModelDescription& description);

struct SavedModel {
  ModelDescription description;
  nn::AnyModule module;
};

/// Throws IoError unless the model can be saved there: the name ends in .safetensors, and see check_writable.
void check_model_file(const std::filesystem::path& file);
/// Writes `file` and, beside it, the options (see options_file), each whole or not at all. Throws IoError.
void save_model(const ModelDescription& description, const nn::Module& module, const std::filesystem::path& file);
/// Throws IoError naming the file: one that is no model of `dagrad train`, is damaged, or comes from a newer format.
SavedModel load_model(const std::filesystem::path& file);

/// `runs/net.ini` for `runs/net.safetensors`.
std::filesystem::path options_file(const std::filesystem::path& model_file);
/// Options by group as the text of such a file.
std::string options_text(const nlohmann::ordered_json& run);

}  // namespace dagrad::tools
