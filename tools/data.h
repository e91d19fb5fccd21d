// The data that the options name.
#pragma once

#include <string>
#include <vector>

#include "dagrad/nn/data/csv_encoding.h"
#include "dagrad/nn/data/dataset.h"
#include "tools/data_options.h"

namespace dagrad::tools {

struct LoadedData {
  data::Dataset train, validation, test;  ///< validation may be empty
  std::vector<std::string> classes;       ///< their names; empty where labels are numbers
  data::CsvEncoding csv = {};             ///< of a table

  bool classifies() const { return !classes.empty(); }
};

/// Throws IoError for files, and UsageError when the validation part leaves nothing to train on.
LoadedData load_data(const DataOptions& options);

/// All samples of the file, in its order: of a table, read by the encoding of the one that the model was trained on.
/// The dataset's kind must be csv, npz or npy. Throws IoError.
data::Dataset load_samples(const DataOptions& options, const data::CsvEncoding& csv, std::int64_t classes);

}  // namespace dagrad::tools
