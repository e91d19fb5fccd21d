// Datasets and functions over the plane, for a chart of a field.
#pragma once

#include <string>
#include <vector>

#include "dagrad/nn/data/dataset.h"
#include "tools/chart.h"

namespace dagrad::tools {

/// The centres of a field's cells in the order of its values: [rows * columns, 2].
Tensor centres_of(const Field& field);

/// The samples of a dataset with two features as points, one series for each class.
std::vector<Series> points_by_class(const data::Dataset& dataset, const std::vector<std::string>& names);

}  // namespace dagrad::tools
