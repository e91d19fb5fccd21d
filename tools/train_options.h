// The options of `dagrad train`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dagrad::tools {

/// Everything that decides a run.
struct TrainOptions {
  std::string dataset = "digits";
  std::string data;  ///< folder of the dataset's files
  std::int64_t samples = 10000;
  std::int64_t validation = 0;

  std::vector<std::int64_t> hidden = {256, 128};
  std::string activation = "relu";
  double dropout = 0;
  std::string init = "standard";

  std::string optimizer = "adam";
  double lr = 1e-3;
  double momentum = 0.9;
  double weight_decay = 0;
  std::int64_t batch_size = 64;
  std::int64_t epochs = 10;

  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: one per core
  bool deterministic = false;
  bool detect_anomaly = false;

  std::string json;
  std::string report = "dagrad-report.html";
  bool quiet = false;

  /// Names and values as text, for the report and for saving.
  std::vector<std::pair<std::string, std::string>> listed() const;
};

/// The options from the command line and from the file that --config names (the command line wins), checked.
/// Empty when help was asked for and printed. Throws UsageError with a suggestion for an unknown option, and for values
/// out of range; IoError for the file.
std::optional<TrainOptions> parse_train_options(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
