// The report's account of what the model says of the test part.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/ops.h"
#include "tools/chart.h"
#include "tools/picture.h"
#include "tools/plane.h"
#include "tools/report.h"

namespace dagrad::tools {
namespace {

constexpr std::size_t kMostMistakes = 32, kMostPoints = 1000, kMostClasses = 30;
constexpr std::int64_t kFieldSide = 80;

std::string confusion_table(const ClassFigures& figures) {
  const std::size_t width = figures.classes.size();
  std::string html = "<div class=\"scroll\"><table><tr><th></th>";
  for (const auto& one : figures.classes) html += "<th>" + escape(one.name) + "</th>";
  html += "</tr>";
  for (std::size_t r = 0; r < width; ++r) {
    const auto& [name, precision, recall, f1, samples] = figures.classes[r];
    html += "<tr><th>" + escape(name) + "</th>";
    for (std::size_t c = 0; c < width; ++c) {
      const std::int64_t count = figures.confusion[r * width + c];
      const double share = count == 0 ? 0 : static_cast<double>(count) / static_cast<double>(samples);
      html += fmt::format("<td style=\"background: rgba(var(--cell), {:.2f})\">{}</td>", 0.6 * std::sqrt(share),
                          count == 0 ? std::string() : std::to_string(count));
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

struct Mistake {
  std::int64_t sample, wanted, said;
  float probability;
};

/// Those that the model was most sure about first.
std::vector<Mistake> mistakes_in(const Tensor& outputs, const data::Dataset& test) {
  const NoGrad guard;
  const Tensor probabilities = softmax(outputs, 1);
  const std::vector<std::int64_t> said = argmax(probabilities, 1).to_vector<std::int64_t>();
  const std::vector<float> sure = amax(probabilities, {1}).to_vector<float>();
  const std::vector<std::int64_t> wanted = test.labels.to_vector<std::int64_t>();
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (said[i] != wanted[i]) mistakes.push_back({static_cast<std::int64_t>(i), wanted[i], said[i], sure[i]});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.probability > b.probability; });
  return mistakes;
}

/// The plane that the samples cover, with a margin: a grid of kFieldSide^2 points, row by row from the top.
Field field_around(const std::vector<double>& x) {
  Field field{1e300, -1e300, 1e300, -1e300, kFieldSide, kFieldSide, {}};
  for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
    field.x_low = std::min(field.x_low, x[i]);
    field.x_high = std::max(field.x_high, x[i]);
    field.y_low = std::min(field.y_low, x[i + 1]);
    field.y_high = std::max(field.y_high, x[i + 1]);
  }
  const double margin_x = 0.08 * (field.x_high - field.x_low) + 1e-6;
  const double margin_y = 0.08 * (field.y_high - field.y_low) + 1e-6;
  field.x_low -= margin_x, field.x_high += margin_x;
  field.y_low -= margin_y, field.y_high += margin_y;
  return field;
}

}  // namespace

void add_confusion(Page& page, const ClassFigures& figures) {
  if (figures.classes.size() <= kMostClasses) {
    page.heading("Confusion matrix").paragraph("Rows: what the sample is. Columns: what the model says.");
    page.raw(confusion_table(figures));
  }
  Table table{{"class", "samples", "precision", "recall", "F1"}};
  for (const auto& [name, precision, recall, f1, samples] : figures.classes) {
    table.rows.push_back({name, std::to_string(samples), fmt::format("{:.4f}", precision),
                          fmt::format("{:.4f}", recall), fmt::format("{:.4f}", f1)});
  }
  page.heading("Classes").table(table);
  if (figures.auc) page.paragraph(fmt::format("Area under the ROC curve: {:.4f}", *figures.auc));
}

void add_mistakes(Page& page, const TrainingResult& r, const LoadedData& data) {
  const Tensor& features = data.test.features;
  if (!data.classifies() || features.dim() < 3 || features.dim() > 4) return;
  const std::vector<Mistake> mistakes = mistakes_in(r.test_outputs, data.test);
  if (mistakes.empty()) return;
  std::vector<std::string> pictures;
  for (std::size_t i = 0; i < std::min(mistakes.size(), kMostMistakes); ++i) {
    const auto& [sample, wanted, said, probability] = mistakes[i];
    pictures.push_back(picture(select(features, 0, sample),
                               fmt::format("{}, taken for {} ({:.0f}%)", data.classes[static_cast<std::size_t>(wanted)],
                                           data.classes[static_cast<std::size_t>(said)], 100 * probability)));
  }
  page.heading("Mistakes")
      .paragraph(fmt::format("The {} of {} that the model was most sure about.", pictures.size(), mistakes.size()));
  page.images(pictures);
}

void add_plane(Page& page, TrainingResult& r, const LoadedData& data) {
  if (!data.classifies() || r.description.shape.input != Shape{2}) return;
  Field field = field_around(data.test.features.to_vector<double>());
  const NoGrad guard;
  const Tensor probabilities = softmax(outputs_of(**r.model, centres_of(field)), 1);
  // Of two classes the second one's probability; of more, which one is most likely.
  field.classes = data.classes.size() != 2;
  field.values =
      field.classes ? argmax(probabilities, 1).to_vector<double>() : select(probabilities, 1, 1).to_vector<double>();
  const ChartOptions options{.title = data.classes.size() == 2 ? "Probability of class " + data.classes[1] : "Class",
                             .x_label = "first feature",
                             .y_label = "second feature"};
  page.heading("Boundaries")
      .charts({field_chart(
          options, field,
          points_by_class(data.test.slice(0, std::min(data.test.size(), static_cast<std::int64_t>(kMostPoints))),
                          data.classes))});
}

void add_numbers(Page& page, const TrainingResult& r, const LoadedData& data) {
  if (data.classifies()) return;
  const std::vector<double> said = r.test_outputs.to_vector<double>(), wanted = data.test.labels.to_vector<double>();
  Series points{"test samples", {}, {}, true}, line{"exact", {}, {}};
  for (std::size_t i = 0; i < std::min(said.size(), kMostPoints); ++i) {
    points.x.push_back(wanted[i]);
    points.y.push_back(said[i]);
  }
  const auto [low, high] = std::minmax_element(points.x.begin(), points.x.end());
  line.x = line.y = {*low, *high};
  page.heading("Numbers").charts(
      {line_chart({.title = "What the model says", .x_label = "true", .y_label = "predicted"}, {points, line})});
  const auto& [mse, rmse, mae, r2] = *r.test->numbers;
  page.table({{"MSE", "RMSE", "MAE", "R2"},
              {{fmt::format("{:.6g}", mse), fmt::format("{:.6g}", rmse), fmt::format("{:.6g}", mae),
                fmt::format("{:.6f}", r2)}}});
}

}  // namespace dagrad::tools
