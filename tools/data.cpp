#include "tools/data.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "dagrad/nn/data/data.h"
#include "dagrad/ops/view.h"
#include "tools/input.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kMadeUp = 10000, kMadeUpTest = 2000;
constexpr double kNoise = 0.1;

std::vector<std::string> counted_names(std::int64_t classes) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

data::Dataset make_up(const DataOptions& o, std::int64_t count) {
  const std::string kind = o.kind();
  const double noise = o.noise.value_or(kNoise);
  const std::uint64_t seed = o.data_seed;
  if (kind == "xor") return data::xor_corners(count, {.noise = noise, .seed = seed});
  if (kind == "spirals")
    return data::spirals(count, {.arms = o.classes.value_or(2), .noise = o.noise.value_or(kNoise / 5), .seed = seed});
  if (kind == "moons") return data::moons(count, {.noise = noise, .seed = seed});
  if (kind == "circles") return data::circles(count, {.factor = 0.5, .noise = noise, .seed = seed});
  if (kind == "blobs") {
    return data::blobs(count, {.classes = o.classes.value_or(3),
                               .features = o.features.value_or(2),
                               .deviation = o.noise.value_or(1),
                               .seed = seed});
  }
  const std::int64_t features = o.features.value_or(10);
  return data::regression(count, {.features = features, .informative = features, .noise = noise, .seed = seed}).dataset;
}

/// Made-up sets of another seed would be of other problems, so that both parts come from one.
data::Split made_up_split(const DataOptions& o, std::int64_t count) {
  if (o.kind() == "digits")
    return {data::digits(count, 1 + 2 * o.data_seed), data::digits(kMadeUpTest, 2 + 2 * o.data_seed)};
  const data::Dataset all = make_up(o, count + kMadeUpTest);
  return {all.slice(0, count), all.slice(count, kMadeUpTest)};
}

/// The samples of --test, or a share of those of --data.
data::Split file_split(const DataOptions& o, const data::Dataset& all, const data::CsvEncoding& csv) {
  if (!o.test.empty()) {
    DataOptions test = o;
    test.data = o.test;
    test.labels = o.test_labels;
    return {all, load_samples(test, csv, all.classes)};
  }
  try {
    const std::vector<data::Dataset> parts =
        data::split(all, {1 - o.test_share, o.test_share}, {.stratify = all.classes > 0, .seed = o.data_seed});
    return {parts[0], parts[1]};
  } catch (const UsageError& error) {
    throw UsageError(
        fmt::format("{}: {} (of {} samples, --test-share {})", o.data, error.what(), all.size(), o.test_share));
  }
}

/// Numbers to learn as [N, K] in f32, as a model gives them.
data::Dataset with_columns(data::Dataset dataset) {
  if (dataset.classes > 0) return dataset;
  dataset.labels = to(reshape(dataset.labels, {dataset.size(), dataset.labels.numel() / dataset.size()}), f32);
  return dataset;
}

/// What is written into models has to be UTF-8, which is better known before a training than behind it.
void check_texts(const data::CsvEncoding& csv, const std::string& file) {
  std::vector<std::string> texts = csv.classes;
  texts.push_back(csv.label);
  for (const auto& feature : csv.features) {
    texts.push_back(feature.name);
    texts.insert(texts.end(), feature.texts.begin(), feature.texts.end());
  }
  for (const std::string& text : texts) {
    try {
      static_cast<void>(nlohmann::json(text).dump());
    } catch (const nlohmann::json::exception&) {
      const auto readable = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      throw IoError(fmt::format("{}: {} is not UTF-8 (want it so: iconv -f latin1 -t utf-8)", file, readable));
    }
  }
}

/// All samples of --data; for a table, `csv` becomes its encoding.
data::Dataset load_training_file(const DataOptions& o, data::CsvEncoding& csv) {
  if (o.kind() != "csv") return load_samples(o, csv, 0);
  const data::CsvTable table = data::read_csv(o.data, o.csv());
  csv = data::csv_encoding(table, o.csv(), o.data);
  check_texts(csv, o.data);
  return with_columns(data::encode_csv(table, csv, o.csv(), o.data));
}

void hold_out(const DataOptions& o, LoadedData& data) {
  if (o.samples && *o.samples < data.train.size()) data.train = data.train.slice(0, *o.samples);
  const std::int64_t count = data.train.size();
  if (o.validation >= count)
    throw UsageError(fmt::format("--validation: {} of {} training samples (want fewer)", o.validation, count));
  if (o.validation == 0) return;
  data.validation = data.train.slice(count - o.validation, o.validation);
  data.train = data.train.slice(0, count - o.validation);
}

}  // namespace

data::Dataset load_samples(const DataOptions& o, const data::CsvEncoding& csv, std::int64_t classes) {
  const std::string kind = o.kind();
  if (kind == "csv") return with_columns(data::encode_csv(data::read_csv(o.data, o.csv()), csv, o.csv(), o.data));
  if (kind == "npz") return with_columns(data::load_npz_dataset(o.data, {.classes = classes}));
  return with_columns(data::load_npy_dataset(o.data, o.labels, {.classes = classes}));
}

LoadedData load_data(const DataOptions& o) {
  LoadedData data;
  const std::string kind = o.kind();
  data::Split split;
  if (kind == "mnist") check_exists(o.data, "the folder of MNIST's files");
  if (kind == "cifar10") check_exists(o.data, "the folder of CIFAR-10's binary files");
  if (kind == "mnist") {
    split = data::load_mnist(o.data);
  } else if (kind == "cifar10") {
    split = data::load_cifar10(o.data);
    data.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  } else if (o.is_file()) {
    const data::Dataset all = load_training_file(o, data.csv);
    split = file_split(o, all, data.csv);
    data.classes = data.csv.classes;
  } else {
    split = made_up_split(o, o.samples.value_or(kMadeUp));
    split = {with_columns(split.train), with_columns(split.test)};
  }
  if (data.classes.empty()) data.classes = counted_names(split.train.classes);
  data.train = std::move(split.train);
  data.test = std::move(split.test);
  hold_out(o, data);
  return data;
}

}  // namespace dagrad::tools
