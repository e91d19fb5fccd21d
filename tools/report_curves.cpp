// The report's curves.
#include "tools/chart.h"
#include "tools/report.h"

namespace dagrad::tools {
namespace {

double loss_of(const nn::Scores& scores) { return scores.loss; }
/// Accuracy or R2, which may have another name in training than in validation (mixed-up labels are probabilities).
double figure_of(const nn::Scores& scores) { return scores.metrics.at(0).second; }

/// A figure over the epochs of every run: in training and validation of one, in validation (or training) of several.
std::vector<Series> epoch_series(const TrainingResult& r, double (*figure)(const nn::Scores&)) {
  std::vector<Series> result;
  const bool is_single = r.runs.size() == 1;
  for (const NetworkRun& run : r.runs) {
    std::vector<double> train, validation;
    for (const nn::EpochRecord& epoch : run.history.epochs) {
      train.push_back(figure(epoch.train));
      if (epoch.validation) validation.push_back(figure(*epoch.validation));
    }
    if (is_single || validation.empty()) result.push_back(counted(is_single ? "training" : run.name, train));
    if (!validation.empty()) result.push_back(counted(is_single ? "validation" : run.name, validation));
  }
  return result;
}

std::vector<Series> step_series(const TrainingResult& r, double StepPoint::*value) {
  std::vector<Series> result;
  for (const NetworkRun& run : r.runs) {
    Series series{run.name, {}, {}};
    for (const StepPoint& point : run.record.steps()) {
      series.x.push_back(point.epoch);
      series.y.push_back(point.*value);
    }
    if (!series.x.empty()) result.push_back(std::move(series));
  }
  return result;
}

}  // namespace

void add_curves(Page& page, const TrainingResult& r) {
  std::vector<std::string> charts;
  if (const std::vector<nn::EpochRecord>& epochs = r.runs[0].history.epochs; !epochs.empty()) {
    const std::string part = r.runs.size() > 1 && epochs[0].validation ? " (validation)" : "";
    const std::string figure = r.description.classifies() ? "Accuracy" : "R2";
    charts.push_back(line_chart({.title = "Loss" + part, .x_label = "epoch"}, epoch_series(r, loss_of)));
    charts.push_back(line_chart({.title = figure + part, .x_label = "epoch"}, epoch_series(r, figure_of)));
  }
  if (const std::vector<Series> rates = step_series(r, &StepPoint::lr); !rates.empty()) {
    charts.push_back(line_chart({.title = "Learning rate", .x_label = "epoch"}, {rates[0]}));
    charts.push_back(line_chart({.title = "Norm of the gradients", .x_label = "epoch", .log_y = true},
                                step_series(r, &StepPoint::grad_norm)));
  }
  if (!charts.empty()) page.heading("Training").charts(charts);
}

void add_weight_histories(Page& page, const TrainingResult& r) {
  const std::vector<ParameterHistory>& parameters = r.runs[0].record.parameters();
  std::vector<std::string> charts;
  for (const ParameterHistory& parameter : parameters)
    charts.push_back(density_rows({.title = parameter.name, .x_label = "weight"}, parameter.moments));
  if (charts.empty()) return;
  page.heading("Weights over time").paragraph("How the elements of each layer's weights spread, from the start down.");
  page.charts(charts);
}

}  // namespace dagrad::tools
