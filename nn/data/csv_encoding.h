// How the columns of a table become features and labels.
#pragma once

#include <string>
#include <vector>

#include "dagrad/nn/data/csv.h"

namespace dagrad::data {

/// What is learned from the table that a model is trained on, so that other tables (to test with, to predict for) are
/// read in the same way: the columns by name, their texts, the means that stand in for missing values, the classes.
struct CsvEncoding {
  struct Feature {
    std::string name;
    std::vector<std::string> texts;  ///< each becomes a feature of its own, 1 where it stands; empty: a number
    double mean = 0;                 ///< of a column of numbers
  };
  std::vector<Feature> features;
  std::string label;                 ///< the name of its column
  std::vector<std::string> classes;  ///< the label's different values, in order; empty: labels are numbers

  /// How many features a row becomes.
  std::int64_t width() const;
};

/// The encoding of a table. Throws IoError as `file:line: ...` for missing values (see Missing) and texts where numbers
/// are wanted, or when too little is left.
CsvEncoding csv_encoding(const CsvTable& table, const CsvOptions& options, const std::string& file);

/// The table as features [N, width] and labels. Columns are found by name, in any order; further ones do not matter.
/// Throws IoError as `file:line: ...` for a column that is missing, missing values, and texts or classes that the
/// encoding does not have.
Dataset encode_csv(const CsvTable& table, const CsvEncoding& encoding, const CsvOptions& options,
                   const std::string& file);

/// The features [N, width] alone, one row for each of the table's, of a table that need have no labels: to predict for.
/// A table without a header whose columns are as many as the encoding's is read by position. With Missing::mean, the
/// mean stands in for what is missing; else it is an error.
Tensor encode_csv_features(const CsvTable& table, const CsvEncoding& encoding, const CsvOptions& options,
                           const std::string& file);

}  // namespace dagrad::data
