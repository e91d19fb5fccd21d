#include "tools/plane.h"

#include "dagrad/core/creation.h"

namespace dagrad::tools {

Tensor centres_of(const Field& field) {
  const auto share = [](std::int64_t i, std::int64_t n) {
    return (static_cast<double>(i) + 0.5) / static_cast<double>(n);
  };
  std::vector<float> points;
  for (std::int64_t row = 0; row < field.rows; ++row) {
    for (std::int64_t column = 0; column < field.columns; ++column) {
      points.push_back(static_cast<float>(field.x_low + (field.x_high - field.x_low) * share(column, field.columns)));
      points.push_back(static_cast<float>(field.y_high - (field.y_high - field.y_low) * share(row, field.rows)));
    }
  }
  return tensor(points, {field.rows * field.columns, 2});
}

std::vector<Series> points_by_class(const data::Dataset& dataset, const std::vector<std::string>& names) {
  std::vector<Series> series;
  for (const std::string& name : names) series.push_back({name, {}, {}, true});
  const std::vector<double> x = dataset.features.to_vector<double>();
  const std::vector<std::int64_t> labels = dataset.labels.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Series& one = series[static_cast<std::size_t>(labels[i])];
    one.x.push_back(x[2 * i]);
    one.y.push_back(x[2 * i + 1]);
  }
  return series;
}

}  // namespace dagrad::tools
