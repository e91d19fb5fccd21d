#include "tools/model_file.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/io/safetensors.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

namespace fs = std::filesystem;

class ModelFile : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    file_ = folder_ / "net.safetensors";
    manual_seed(7);
  }

  fs::path file_;
};

ModelDescription description(const std::string& kind, const Shape& input, std::int64_t members = 1,
                             bool scales = false) {
  ModelDescription d;
  d.options.kind = kind;
  d.options.hidden = kind == "linear" ? "" : "6";
  if (kind == "cnn") d.options.channels = "3";
  if (kind == "cnn") d.options.channel_dropout = 0.25;
  if (kind == "mlp") d.options.norm = "batch";
  d.shape = {input, 3};
  d.classes = {"a", "b", "c d"};
  d.members = members;
  d.scales = scales;
  d.run = TrainOptions().run();
  return d;
}

void expect_same(nn::Module& a, nn::Module& b, const Shape& input) {
  const NoGrad guard;
  a.eval();
  b.eval();
  const Tensor x = randn(input);
  EXPECT_EQ(a(x).to_vector<float>(), b(x).to_vector<float>());
}

TEST_F(ModelFile, RebuildsEveryKindOfModel) {
  const struct {
    const char* kind;
    Shape input;
  } cases[] = {{"linear", {4}}, {"mlp", {2, 5}},  {"cnn", {1, 8, 8}}, {"cnn", {8, 8}},
               {"rnn", {5}},    {"lstm", {5, 2}}, {"gru", {2, 6, 3}}};
  for (const auto& [kind, input] : cases) {
    SCOPED_TRACE(kind);
    const ModelDescription d = description(kind, input);
    const nn::AnyModule model = build_model(d);
    save_model(d, *model, file_);
    const SavedModel loaded = load_model(file_);
    EXPECT_EQ(loaded.description.options.kind, kind);
    EXPECT_EQ(loaded.description.options.channel_dropout, d.options.channel_dropout);
    EXPECT_EQ(loaded.description.classes, d.classes);
    Shape batch = input;
    batch.insert(0, 4);
    expect_same(*model, *loaded.module, batch);
  }
}

TEST_F(ModelFile, KeepsTheScalerTheMembersAndTheTable) {
  ModelDescription d = description("mlp", {2}, /*members=*/3, /*scales=*/true);
  d.csv = {{{"x", {}, 2.5}, {"colour", {"blue", "red"}, 0}}, "kind", d.classes};
  std::vector<nn::Sequential> members;
  for (int i = 0; i < 3; ++i) {
    members.emplace_back(nn::FeatureScaler::standardise(randn({20, 2})), make_model(d.options, d.shape));
  }
  const nn::AnyModule model = join_members(d, members);
  save_model(d, *model, file_);
  const SavedModel loaded = load_model(file_);
  expect_same(*model, *loaded.module, {5, 2});
  EXPECT_EQ(loaded.description.members, 3);
  EXPECT_EQ(loaded.description.csv.features.at(1).texts, (std::vector<std::string>{"blue", "red"}));
  EXPECT_EQ(loaded.description.csv.features.at(0).mean, 2.5);
  EXPECT_EQ(loaded.description.csv.label, "kind");
}

TEST_F(ModelFile, LeavesItsOptionsBesideItForAnotherRun) {
  TrainOptions options;
  options.optimizer.lr = 0.125;
  options.model.hidden = "31";
  options.running.deterministic = true;
  ModelDescription d = description("mlp", {2});
  d.run = options.run();
  save_model(d, *build_model(d), file_);
  EXPECT_EQ(options_file(file_), folder_ / "net.ini");
  const TrainOptions again = parse_train_options({"--config", (folder_ / "net.ini").string()}).value();
  EXPECT_EQ(again.run(), options.run());
  EXPECT_EQ(options_of_run(load_model(file_).description.run, "net").run(), options.run());
}

TEST_F(ModelFile, SaysWhatIsWrongWithAFile) {
  expect_error<IoError>([] { check_model_file("net.pt"); },
                        "net.pt: is no name for a model (want one that ends in .safetensors)");
  io::save_safetensors({{"x", zeros({1})}}, file_);
  expect_error<IoError>([&] { load_model(file_); },
                        file_.string() + ": is no model of dagrad (want a file that dagrad train --save wrote)");
  io::save_safetensors({{"x", zeros({1})}}, file_, {{"dagrad", "{\"format\": 1}"}});
  expect_error_with<IoError>([&] { load_model(file_); }, "its description is damaged: ");
  io::save_safetensors({{"x", zeros({1})}}, file_, {{"dagrad", "{\"format\": 99, \"dagrad\": \"9.0\"}"}});
  expect_error_with<IoError>([&] { load_model(file_); }, ": is of format 99, from dagrad 9.0");
  const ModelDescription d = description("mlp", {2});
  save_model(d, *build_model(description("linear", {2})), file_);
  expect_error_with<IoError>([&] { load_model(file_); }, "its description and its tensors do not fit: ");
  EXPECT_THROW(load_model(folder_ / "none.safetensors"), IoError);
}

TEST_F(ModelFile, ChecksThatSamplesFit) {
  const ModelDescription d = description("cnn", {1, 8, 8});
  check_samples(d, zeros({5, 1, 8, 8}), "x.npy");
  expect_error<IoError>(
      [&] {
        check_samples(d, zeros({5, 64}), "x.npy");
      },
      "x.npy: samples are [5, 64] (want [N, 1, 8, 8], as the model takes them, and at least one)");
}

TEST(Model, SaysWhichSamplesItWants) {
  ModelOptions options;
  options.kind = "cnn";
  expect_error<UsageError>(
      [&] {
        make_model(options, ModelShape{{4}, 2});
      },
      "--model cnn: a sample is [4] (want an image, [C, H, W] or [H, W])");
}

}  // namespace
}  // namespace dagrad::tools
