#include "tools/report.h"

#include <fmt/format.h>

#include "dagrad/nn/module.h"
#include "tools/chart.h"

namespace dagrad::tools {
namespace {

void add_headline(Page& page, const TrainingResult& r, const LoadedData& data) {
  const bool classifies = data.classifies();
  const std::string figure =
      classifies ? fmt::format("{:.2f}%", 100 * r.mean_figure()) : fmt::format("R2 {:.4f}", r.mean_figure());
  const char* const ending = r.interrupted() ? ", interrupted" : "";
  if (r.test) {
    const char* const what = data.test.features.dim() == 4 ? "images" : "samples";
    page.headline(figure, fmt::format("{}{} test {}{}", classifies ? "of " : "on ", data.test.size(), what, ending));
  } else {
    const double deviation = (classifies ? 100 : 1) * r.deviation_of_figure();
    page.headline(figure, fmt::format("+- {:.3g} over {} folds{}", deviation, r.evaluations.size(), ending));
  }
  std::string text = r.test ? fmt::format("test loss {:.4f}; ", r.test->loss) : "";
  text += fmt::format("{} parameters; {} training samples; {} epochs; {:.1f} seconds", r.parameters, data.train.size(),
                      r.runs[0].history.epochs.size(), r.seconds);
  if (r.runs.size() == 1 && r.runs[0].history.best_epoch > 0)
    text += fmt::format("; weights of epoch {}, the best on validation", r.runs[0].history.best_epoch);
  if (!r.why_not_captured().empty()) text += "; steps ran as they stand, not captured: " + r.why_not_captured();
  page.paragraph(text);
}

/// Of folds or members.
void add_runs(Page& page, const TrainingResult& r) {
  if (r.evaluations.empty()) return;
  const bool classifies = r.description.classifies();
  Table table{{"run", classifies ? "accuracy" : "R2", "loss", "epochs"}};
  for (std::size_t i = 0; i < r.evaluations.size(); ++i) {
    const double figure = main_figure(r.evaluations[i]);
    table.rows.push_back(
        {r.runs[i].name, classifies ? fmt::format("{:.2f}%", 100 * figure) : fmt::format("{:.4f}", figure),
         fmt::format("{:.4f}", r.evaluations[i].loss), std::to_string(r.runs[i].history.epochs.size())});
  }
  page.heading(r.test ? "Members" : "Folds").table(table);
}

void add_model(Page& page, const TrainingResult& r) {
  page.heading("Model").raw("<div class=\"scroll\"><pre>" + escape(nn::to_string(r.runs[0].network)) + "</pre></div>");
}

void add_options(Page& page, const TrainOptions& options) {
  Table table{{"option", "value"}};
  for (const auto& [name, value] : options.listed()) table.rows.push_back({name, value});
  page.heading("Options").table(table);
}

}  // namespace

std::string report_page(const TrainOptions& options, TrainingResult& result, const LoadedData& data) {
  Page page("dagrad: training on " + options.data.kind());
  add_headline(page, result, data);
  add_runs(page, result);
  add_curves(page, result);
  if (result.test) {
    add_plane(page, result, data);
    add_numbers(page, result, data);
    if (result.test->classes) add_confusion(page, *result.test->classes);
    add_mistakes(page, result, data);
  }
  add_filters(page, result);
  add_weight_histories(page, result);
  add_model(page, result);
  add_options(page, options);
  return page.html();
}

}  // namespace dagrad::tools
