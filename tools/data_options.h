// Options: which data, and how they are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagrad/nn/data/csv.h"
#include "tools/option_list.h"

namespace dagrad::tools {

struct DataOptions {
  std::string dataset;                  ///< empty: what `data` looks like, or the digits
  std::string data;                     ///< folder of the dataset's files, or the file
  std::string test;                     ///< a file to test with
  std::string labels, test_labels;      ///< of .npy files
  std::optional<std::int64_t> samples;  ///< to train on; none: 10,000 that are made up, all of a file
  double test_share = 0.2;              ///< of a file that has no file to test with
  std::int64_t validation = 0;
  std::optional<double> noise;                    ///< of made-up data
  std::optional<std::int64_t> classes, features;  ///< of made-up data
  std::string label;                              ///< column of a table
  bool no_header = false, regression = false;
  std::string separator = ",";
  std::string missing = "error";
  bool standardize = false, min_max = false;
  std::uint64_t data_seed = 0;

  /// `dataset`, or what it stands for when it is empty.
  std::string kind() const;
  bool is_file() const;  ///< csv, npz or npy
  data::CsvOptions csv() const;
};

void describe(DataOptions& options, OptionList& list);
/// Throws UsageError.
void check(const DataOptions& options);

}  // namespace dagrad::tools
