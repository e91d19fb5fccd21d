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

std::string confusion(const TrainingResult& result) {
  std::string html = "<div class=\"scroll\"><table><tr><th></th>";
  for (std::int64_t c = 0; c < result.classes; ++c) html += fmt::format("<th>{}</th>", c);
  html += "</tr>";
  for (std::int64_t r = 0; r < result.classes; ++r) {
    std::int64_t total = 0;
    for (std::int64_t c = 0; c < result.classes; ++c)
      total += result.confusion[static_cast<std::size_t>(r * result.classes + c)];
    html += fmt::format("<tr><th>{}</th>", r);
    for (std::int64_t c = 0; c < result.classes; ++c) {
      const std::int64_t count = result.confusion[static_cast<std::size_t>(r * result.classes + c)];
      const double share = total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
      html += fmt::format("<td style=\"background: rgba(var(--cell), {:.2f})\">{}</td>", 0.6 * std::sqrt(share),
                          count == 0 ? std::string() : std::to_string(count));
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

}  // namespace

std::string report_page(const TrainOptions& options, const TrainingResult& result, const data::Split& data) {
  Page page("dagrad: training on " + options.dataset);
  page.headline(fmt::format("{:.2f}%", 100 * result.test.accuracy),
                fmt::format("of {} test images{}", data.test.size(), result.interrupted ? ", interrupted" : ""));
  page.paragraph(fmt::format("test loss {:.4f}; {} parameters; {} training images; {:.1f} seconds", result.test.loss,
                             result.parameters, data.train.size(), result.seconds));
  if (!result.epochs.empty()) page.charts(curves(result));
  page.heading("Taken for").paragraph("Rows: what the image is. Columns: what the model says.").raw(confusion(result));
  Table table{{"option", "value"}};
  for (const auto& [name, value] : options.listed()) table.rows.push_back({name, value});
  page.heading("Options").table(table);
  return page.html();
}

}  // namespace dagrad::tools
