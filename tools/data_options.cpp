#include "tools/data_options.h"

#include <filesystem>
#include <fmt/format.h>
#include <vector>

#include "dagrad/core/error.h"
#include "tools/option_checks.h"

namespace dagrad::tools {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string>& names() {
  static const std::vector<std::string> list{"digits", "mnist",   "cifar10", "csv",     "npz",   "npy",
                                             "xor",    "spirals", "moons",   "circles", "blobs", "regression"};
  return list;
}

void check_belongs(const DataOptions& o) {
  const std::vector<std::string> made_up{"xor", "spirals", "moons", "circles", "blobs", "regression"};
  Beside("dataset", o.kind())
      .only("data", !o.data.empty(), {"mnist", "cifar10", "csv", "npz", "npy"})
      .only("test", !o.test.empty(), {"csv", "npz", "npy"})
      .only("labels", !o.labels.empty(), {"npy"})
      .only("test-labels", !o.test_labels.empty(), {"npy"})
      .only("noise", o.noise.has_value(), made_up)
      .only("classes", o.classes.has_value(), {"spirals", "blobs"})
      .only("features", o.features.has_value(), {"blobs", "regression"})
      .only("label", !o.label.empty(), {"csv"})
      .only("no-header", o.no_header, {"csv"})
      .only("regression", o.regression, {"csv"})
      .only("separator", o.separator != ",", {"csv"})
      .only("missing", o.missing != "error", {"csv"});
}

void check_files(const DataOptions& o) {
  const std::string kind = o.kind();
  if (o.dataset.empty() && kind == "mnist" && fs::is_regular_file(o.data)) {
    throw UsageError(
        fmt::format("--data: '{}' (want a folder, or a file that ends in .csv, .npz or .npy, or --dataset)", o.data));
  }
  if ((kind == "mnist" || kind == "cifar10") && fs::is_regular_file(o.data))
    throw UsageError(fmt::format("--dataset {}: '{}' is a file (want the folder of its files)", kind, o.data));
  if (kind == "mnist" && o.data.empty())
    throw UsageError("--dataset mnist: no folder (want --data DIR with MNIST's files)");
  if (kind == "cifar10" && o.data.empty())
    throw UsageError("--dataset cifar10: no folder (want --data DIR with CIFAR-10's binary files)");
  if (o.is_file() && o.data.empty()) throw UsageError(fmt::format("--dataset {}: no file (want --data FILE)", kind));
  if (kind == "npy" && o.labels.empty())
    throw UsageError("--dataset npy: no labels (want --labels FILE beside --data FILE)");
  if (kind == "npy" && o.test.empty() != o.test_labels.empty())
    throw UsageError("--test and --test-labels: one is missing (want both, or none)");
}

}  // namespace

std::string DataOptions::kind() const {
  if (!dataset.empty()) return dataset;
  if (data.empty()) return "digits";
  const std::string extension = fs::path(data).extension().string();
  if (extension == ".csv" || extension == ".tsv" || extension == ".txt") return "csv";
  if (extension == ".npz") return "npz";
  if (extension == ".npy") return "npy";
  return fs::exists(fs::path(data) / "data_batch_1.bin") ? "cifar10" : "mnist";
}

bool DataOptions::is_file() const {
  const std::string name = kind();
  return name == "csv" || name == "npz" || name == "npy";
}

data::CsvOptions DataOptions::csv() const {
  data::CsvOptions options;
  options.separator = separator == "\\t" || separator == "tab" ? '\t' : separator[0];
  options.header = !no_header;
  options.label = label;
  options.regression = regression;
  options.missing = missing == "drop"   ? data::Missing::drop_row
                    : missing == "mean" ? data::Missing::mean
                                        : data::Missing::error;
  return options;
}

void describe(DataOptions& o, OptionList& list) {
  list.add("dataset", o.dataset, "NAME",
           "digits (drawn by the program, the default), mnist, cifar10, csv, npz, npy, xor, spirals, moons, circles, "
           "blobs or regression; without it, what --data looks like")
      .add("data", o.data, "PATH",
           "the folder of mnist's or cifar10's files, or the .csv, .npz (arrays x and y) or .npy file; of mnist, the "
           "t10k files alone will do: 9,000 train, 1,000 test")
      .add("test", o.test, "FILE", "a file like --data to test with")
      .add("labels", o.labels, "FILE", "npy: the labels of --data")
      .add("test-labels", o.test_labels, "FILE", "npy: the labels of --test")
      .add("samples", o.samples, "N",
           "how many samples to train on (made-up data: 10,000 and 2,000 more to test with; files: all)")
      .add("test-share", o.test_share, "S", "of a file without --test: hold this share back to test with")
      .add("validation", o.validation, "N", "hold the last N training samples out, to choose settings by")
      .add("noise", o.noise, "D", "made-up data but digits: standard deviation of what is added (0.1)")
      .add("classes", o.classes, "N", "spirals (2), blobs (3): how many")
      .add("features", o.features, "N", "blobs (2), regression (10): how many")
      .add("label", o.label, "NAME", "csv: the column to learn (the last)")
      .add("regression", o.regression, "csv: the labels are numbers to learn, not classes")
      .add("no-header", o.no_header, "csv: the first line is data; columns are called 0, 1, ...")
      .add("separator", o.separator, "C", "csv: what parts the fields; tab for tabs")
      .add("missing", o.missing, "WHAT", "csv: for fields without a value: error, drop (the row) or mean")
      .add("standardize", o.standardize, "bring each feature (of images: channel) to mean 0 and variance 1")
      .add("min-max", o.min_max, "bring each feature to [0, 1]")
      .add("data-seed", o.data_seed, "N", "of made-up data and of the split of a file");
}

void check(const DataOptions& o) {
  check_choice("dataset", o.kind(), names());
  check_choice("missing", o.missing, {"error", "drop", "mean"});
  if (o.separator.size() != 1 && o.separator != "tab" && o.separator != "\\t")
    throw UsageError(fmt::format("--separator: '{}' (want one character, or tab)", o.separator));
  if (o.samples) check_between("samples", *o.samples, 10, 10'000'000);
  check_at_least("validation", o.validation, 0);
  check_range("test-share", o.test_share, o.test_share > 0 && o.test_share < 1, "0 < share < 1");
  if (o.noise) check_not_negative("noise", *o.noise);
  if (o.classes) check_between("classes", *o.classes, 2, 1000);
  if (o.features) check_between("features", *o.features, 1, 10000);
  if (o.standardize && o.min_max) throw UsageError("--min-max: not together with --standardize");
  check_belongs(o);
  check_files(o);
}

}  // namespace dagrad::tools
