#include "tools/model_choice.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "tools/model.h"
#include "tools/model_file.h"
#include "tools/numbers.h"
#include "tools/option_checks.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kLongest = 1'000'000;

Shape input_shape(const std::string& text) {
  const std::vector<std::int64_t> sizes = parse_whole_numbers("input", text, 1, kLongest, "sizes");
  if (sizes.empty() || sizes.size() > 4)
    throw UsageError(fmt::format("--input: '{}' (want the sizes of one sample, like 1,28,28)", text));
  Shape shape;
  for (const std::int64_t size : sizes) shape.push_back(size);
  return shape;
}

DType dtype_of(const std::string& name) { return name == "f64" ? f64 : name == "bf16" ? bf16 : f32; }

}  // namespace

void take_file(std::vector<std::string>& words, ModelChoice& choice) {
  const auto file = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return std::filesystem::path(word).extension() == ".safetensors";
  });
  if (file == words.end() || !choice.file.empty()) return;
  choice.file = *file;
  words.erase(file);
}

void describe(ModelChoice& choice, OptionList& list) {
  describe(choice.options, list);
  list.add("input", choice.input, "N,N,...",
           "sizes of one sample: features, or channels,height,width, or steps,features")
      .add("outputs", choice.outputs, "N", "how many classes")
      .add("batch", choice.batch, "N", "samples in a batch")
      .add("seed", choice.seed, "N", "of the weights and the batch, which is random");
}

void check(const ModelChoice& choice) {
  if (choice.file.empty()) check(choice.options);
  check_choice("dtype", choice.dtype, {"f32", "bf16", "f64"});
  check_between("outputs", choice.outputs, 1, kLongest);
  check_between("batch", choice.batch, 1, kLongest);
}

Tensor ChosenModel::loss_of(const Tensor& batch) const {
  const Tensor result = module(batch);
  if (classifies) return cross_entropy(result, target);
  return mse_loss(result, target);
}

ChosenModel choose_model(const ModelChoice& choice) {
  manual_seed(choice.seed);
  const auto chosen = [&]() -> std::pair<ModelDescription, nn::AnyModule> {
    if (!choice.file.empty()) {
      SavedModel saved = load_model(choice.file);
      return {saved.description, std::move(saved.module)};
    }
    ModelDescription description;
    description.options = choice.options;
    description.shape = {input_shape(choice.input), choice.outputs};
    description.classes.resize(static_cast<std::size_t>(choice.outputs));
    return {description, make_model(choice.options, description.shape)};
  };
  auto [description, module] = chosen();
  const DType dtype = dtype_of(choice.dtype);
  if (dtype != f32) module->to(dtype);
  module->name_parameters();
  Shape shape = description.shape.input;
  shape.insert(0, choice.batch);
  Tensor x = to(randn(shape), dtype);
  Tensor target = description.classifies() ? randint(0, description.shape.outputs, {choice.batch})
                                           : to(randn({choice.batch, description.shape.outputs}), dtype);
  const std::string title = choice.file.empty() ? fmt::format("{} {} -> {}", choice.options.kind,
                                                              description.shape.input.str(), description.shape.outputs)
                                                : choice.file;
  return {title, std::move(module), std::move(x), std::move(target), description.classifies()};
}

}  // namespace dagrad::tools
