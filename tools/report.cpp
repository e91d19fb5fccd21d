#include "tools/report.h"

#include <cmath>
#include <fmt/format.h>

#include "tools/chart.h"
#include "tools/page.h"

namespace dagrad::tools {
namespace {

std::vector<std::string> curves(const TrainingResult& result) {
  std::vector<double> loss, accuracy, held_loss, held_accuracy;
  for (const EpochResult& epoch : result.epochs) {
    loss.push_back(epoch.train.loss);
    accuracy.push_back(epoch.train.accuracy);
    if (!epoch.validation) continue;
    held_loss.push_back(epoch.validation->loss);
    held_accuracy.push_back(epoch.validation->accuracy);
  }
  std::vector<Series> losses{counted("training", loss)}, accuracies{counted("training", accuracy)};
  if (!held_loss.empty()) {
    losses.push_back(counted("validation", held_loss));
    accuracies.push_back(counted("validation", held_accuracy));
  }
  return {line_chart({.title = "Loss", .x_label = "epoch"}, losses),
          line_chart({.title = "Accuracy", .x_label = "epoch"}, accuracies)};
}

std::string confusion(const ClassFigures& figures) {
  const std::size_t width = figures.classes.size();
  std::string html = "<div class=\"scroll\"><table><tr><th></th>";
  for (const auto& one : figures.classes) html += "<th>" + escape(one.name) + "</th>";
  html += "</tr>";
  for (std::size_t r = 0; r < width; ++r) {
    html += "<tr><th>" + escape(figures.classes[r].name) + "</th>";
    for (std::size_t c = 0; c < width; ++c) {
      const std::int64_t count = figures.confusion[r * width + c];
      const double share =
          count == 0 ? 0 : static_cast<double>(count) / static_cast<double>(figures.classes[r].samples);
      html += fmt::format("<td style=\"background: rgba(var(--cell), {:.2f})\">{}</td>", 0.6 * std::sqrt(share),
                          count == 0 ? std::string() : std::to_string(count));
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

}  // namespace

std::string report_page(const TrainOptions& options, const TrainingResult& result, const LoadedData& data) {
  Page page("dagrad: training on " + options.data.kind());
  page.headline(fmt::format("{:.2f}%", 100 * result.test.classes->accuracy),
                fmt::format("of {} test images{}", data.test.size(), result.interrupted ? ", interrupted" : ""));
  page.paragraph(fmt::format("test loss {:.4f}; {} parameters; {} training images; {:.1f} seconds", result.test.loss,
                             result.parameters, data.train.size(), result.seconds));
  if (!result.epochs.empty()) page.charts(curves(result));
  page.heading("Taken for")
      .paragraph("Rows: what the image is. Columns: what the model says.")
      .raw(confusion(*result.test.classes));
  Table table{{"option", "value"}};
  for (const auto& [name, value] : options.listed()) table.rows.push_back({name, value});
  page.heading("Options").table(table);
  return page.html();
}

}  // namespace dagrad::tools
