#include "tools/model_file.h"

#include <fmt/format.h>
#include <string_view>

#include "dagrad/core/error.h"
#include "dagrad/nn/ensemble.h"
#include "dagrad/nn/io/atomic_file.h"
#include "dagrad/nn/saving.h"
#include "tools/input.h"
#include "tools/output.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kKey = "dagrad";
constexpr int kFormat = 1;
constexpr const char* kModelFile = "a .safetensors file that dagrad train --save wrote";

Json to_json(const data::CsvEncoding& csv) {
  Json features = Json::array();
  for (const auto& [name, texts, mean] : csv.features)
    features.push_back({{"name", name}, {"texts", texts}, {"mean", mean}});
  return {{"label", csv.label}, {"features", features}};
}

Json to_json(const ModelDescription& d) {
  ModelOptions options = d.options;
  OptionList list("Model");
  describe(options, list);
  Json json{
      {"format", kFormat},          {"dagrad", DAGRAD_VERSION},
      {"model", list.values()},     {"input", std::vector<std::int64_t>(d.shape.input.begin(), d.shape.input.end())},
      {"outputs", d.shape.outputs}, {"classes", d.classes},
      {"members", d.members},       {"scales", d.scales}};
  if (!d.csv.features.empty()) json["csv"] = to_json(d.csv);
  json["run"] = d.run;
  return json;
}

data::CsvEncoding csv_from(const Json& json, const std::vector<std::string>& classes) {
  data::CsvEncoding csv;
  for (const Json& feature : json.at("features")) {
    csv.features.push_back({feature.at("name").get<std::string>(), feature.at("texts").get<std::vector<std::string>>(),
                            feature.at("mean").get<double>()});
  }
  csv.label = json.at("label").get<std::string>();
  csv.classes = classes;
  return csv;
}

/// Throws Json::exception where something is missing or of another type.
ModelDescription description_from(const Json& json, const std::string& file) {
  if (const int format = json.at("format").get<int>(); format > kFormat) {
    throw IoError(fmt::format("{}: is of format {}, from dagrad {} (this is {}, which reads up to format {})", file,
                              format, json.at("dagrad").get<std::string>(), DAGRAD_VERSION, kFormat));
  }
  ModelDescription d;
  OptionList list("Model");
  describe(d.options, list);
  list.read(json.at("model"), file);
  d.shape.input = Shape(json.at("input").get<std::vector<std::int64_t>>());
  d.shape.outputs = json.at("outputs").get<std::int64_t>();
  d.classes = json.at("classes").get<std::vector<std::string>>();
  d.members = json.at("members").get<std::int64_t>();
  d.scales = json.at("scales").get<bool>();
  if (json.contains("csv")) d.csv = csv_from(json.at("csv"), d.classes);
  d.run = json.at("run");
  return d;
}

/// The scale's shape for samples of a shape: see FeatureScaler.
Shape scaler_shape(const Shape& input) {
  Shape shape = Shape::filled(input.rank(), 1);
  if (input.rank() > 0) shape[0] = input[0];
  return shape;
}

}  // namespace

void check_samples(const ModelDescription& d, const Tensor& features, const std::string& who) {
  Shape want = d.shape.input;
  want.insert(0, features.dim() > 0 ? features.size(0) : 0);
  if (features.shape() == want && features.size(0) > 0) return;
  const std::string each = d.shape.input.str();
  throw IoError(fmt::format("{}: samples are {} (want [N{}{}, as the model takes them, and at least one)", who,
                            features.shape().str(), d.shape.input.empty() ? "" : ", ", each.substr(1)));
}

nn::Sequential build_member(const ModelDescription& d) {
  nn::Sequential member;
  if (d.scales) member.add(nn::FeatureScaler(scaler_shape(d.shape.input)));
  member.add(make_model(d.options, d.shape));
  member.name_parameters();
  return member;
}

nn::AnyModule join_members(const ModelDescription& d, const std::vector<nn::Sequential>& members) {
  if (members.size() == 1) return members[0];
  nn::Ensemble whole(std::vector<nn::AnyModule>(members.begin(), members.end()),
                     d.classifies() ? nn::EnsembleOf::probabilities : nn::EnsembleOf::outputs);
  whole.name_parameters();
  return whole;
}

nn::AnyModule build_model(const ModelDescription& d) {
  std::vector<nn::Sequential> members;
  for (std::int64_t i = 0; i < d.members; ++i) members.push_back(build_member(d));
  return join_members(d, members);
}

void check_model_file(const fs::path& file) {
  if (file.extension() != ".safetensors")
    throw IoError(fmt::format("{}: is no name for a model (want one that ends in .safetensors)", file.string()));
  check_writable(file);
  check_writable(options_file(file));
}

void save_model(const ModelDescription& description, const nn::Module& module, const fs::path& file) {
  nn::save(module, file, {{kKey, to_json(description).dump()}});
  io::write_file(options_file(file), options_text(description.run));
}

SavedModel load_model(const fs::path& file) {
  check_is_file(file, kModelFile);
  if (file.extension() != ".safetensors") {
    throw IoError(fmt::format("{}: is no model (want {})", file.string(), kModelFile));
  }
  const io::Safetensors content = io::load_safetensors(file);
  const auto metadata = content.metadata.find(kKey);
  if (metadata == content.metadata.end())
    throw IoError(fmt::format("{}: is no model of dagrad (want a file that dagrad train --save wrote)", file.string()));
  try {
    ModelDescription description = description_from(Json::parse(metadata->second), file.string());
    check(description.options);
    nn::AnyModule module = build_model(description);
    nn::load_state(*module, content.tensors);
    module->eval();
    return {std::move(description), std::move(module)};
  } catch (const Json::exception& error) {
    throw IoError(fmt::format("{}: its description is damaged: {}", file.string(), error.what()));
  } catch (const UsageError& error) {
    throw IoError(fmt::format("{}: its description and its tensors do not fit: {}", file.string(), error.what()));
  }
}

fs::path options_file(const fs::path& model_file) {
  fs::path file = model_file;
  return file.replace_extension(".ini");
}

std::string options_text(const Json& run) {
  std::string text = fmt::format("# The options of a run of dagrad {}: dagrad train --config FILE\n", DAGRAD_VERSION);
  for (const auto& [group, options] : run.items()) {
    text += fmt::format("\n# {}\n", group);
    for (const auto& [name, value] : options.items())
      text += fmt::format("{} = {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

}  // namespace dagrad::tools
