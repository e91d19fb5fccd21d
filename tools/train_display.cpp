#include "tools/train_display.h"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dagrad::tools {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

/// `accuracy 97.12%` or `R2 0.9712`, of a metric under its name in a record.
std::string figure_text(const nn::Scores& scores) {
  const auto& [name, value] = scores.metrics.at(0);
  return name == "R2Score" ? fmt::format("R2 {:7.4f}", value) : fmt::format("accuracy {:5.2f}%", 100 * value);
}

std::string scores_text(const nn::Scores& scores) {
  return fmt::format("loss {:.4f}  {}", scores.loss, figure_text(scores));
}

void add_scores(Json& json, const std::string& part, const nn::Scores& scores) {
  const auto& [name, value] = scores.metrics.at(0);
  json[part + "_loss"] = scores.loss;
  json[part + (name == "R2Score" ? "_r2" : "_accuracy")] = value;
}

std::int64_t run_count(const TrainOptions& o) { return o.running.folds > 0 ? o.running.folds : o.running.ensemble; }

}  // namespace

TrainDisplay::TrainDisplay(const TrainOptions& options, JsonLines& json)
    : json_(json),
      progress_(run_count(options), options.optimizer.epochs,
                options.output.quiet ? Progress::Style::quiet : Progress::Style::automatic) {}

TrainingEvents TrainDisplay::events() {
  TrainingEvents events;
  events.start = [this](const TrainingView& view) { begin(view.name); };
  events.step = [this](const TrainingView& view, const nn::StepRecord& step) { see_step(view, step); };
  events.epoch = [this](const TrainingView& view, const nn::EpochRecord& epoch) { see_epoch(view, epoch); };
  return events;
}

void TrainDisplay::begin(const std::string& name) {
  progress_.begin_run(name);
  samples_ = 0;
  epoch_start_ = Clock::now();
}

void TrainDisplay::see_step(const TrainingView& view, const nn::StepRecord& step) {
  samples_ += step.samples;
  // Formatting a note costs more than a small step: the bar asks for it a few times a second.
  if (!progress_.due()) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_start_).count();
  progress_.step(step.epoch, step.step, step.steps,
                 fmt::format("{}  lr {:.3g}  {:.0f}/s  gradient {:.3g}", scores_text(view.trainer.so_far()), step.lr,
                             static_cast<double>(samples_) / seconds, view.record.grad_norm()));
}

void TrainDisplay::see_epoch(const TrainingView& view, const nn::EpochRecord& epoch) {
  std::string text = scores_text(epoch.train);
  if (epoch.validation) text += "  validation " + scores_text(*epoch.validation);
  progress_.epoch(epoch.epoch, text + fmt::format("  lr {:.3g}  gradient {:.3g}  {:.0f} samples/s", epoch.lr,
                                                  view.record.grad_norm(), epoch.samples_per_second()));
  Json json{{"event", "epoch"}};
  if (!view.name.empty()) json["run"] = view.name;
  json["epoch"] = epoch.epoch;
  add_scores(json, "train", epoch.train);
  if (epoch.validation) add_scores(json, "validation", *epoch.validation);
  json["lr"] = epoch.lr;
  json["gradient_norm"] = view.record.grad_norm();
  json["samples_per_second"] = std::round(epoch.samples_per_second());
  json["seconds"] = epoch.seconds;
  json_.write(json);
  samples_ = 0;
  epoch_start_ = Clock::now();
}

std::string resume_command(const TrainOptions& o) {
  std::string command = "dagrad train --resume " + o.output.checkpoint_file();
  if (!o.output.save.empty()) command += " --save " + o.output.save;
  return command;
}

std::string result_text(const TrainOptions& o, const TrainingResult& r) {
  std::string text = r.interrupted() ? "interrupted; " : "";
  const bool classifies = r.description.classifies();
  const double scale = classifies ? 100 : 1;
  if (!r.test) {
    const double mean = scale * r.mean_figure(), deviation = scale * r.deviation_of_figure();
    text += fmt::format("cross-validation {}  ({} folds, {:.1f} s)\n",
                        classifies ? fmt::format("accuracy {:.2f}% +- {:.2f}", mean, deviation)
                                   : fmt::format("R2 {:.4f} +- {:.4f}", mean, deviation),
                        r.evaluations.size(), r.seconds);
  } else if (classifies) {
    text += fmt::format("test accuracy {:.2f}%  (loss {:.4f}, {} {}, {:.1f} s)\n", 100 * r.mean_figure(), r.test->loss,
                        r.test->samples, r.description.shape.input.rank() == 3 ? "images" : "samples", r.seconds);
  } else {
    text += fmt::format("test R2 {:.4f}  (MSE {:.6g}, {} samples, {:.1f} s)\n", r.mean_figure(), r.test->loss,
                        r.test->samples, r.seconds);
  }
  for (std::size_t i = 0; i < r.evaluations.size(); ++i) {
    const double figure = scale * main_figure(r.evaluations[i]);
    text += fmt::format("  {}: {}\n", r.runs[i].name,
                        classifies ? fmt::format("{:.2f}%", figure) : fmt::format("{:.4f}", figure));
  }
  if (r.runs.size() == 1 && r.runs[0].history.best_epoch > 0)
    text += fmt::format("weights of epoch {}, the best on validation\n", r.runs[0].history.best_epoch);
  if (!r.why_not_captured().empty())
    text += fmt::format("not captured, so that steps ran as they stand: {}\n", r.why_not_captured());
  if (!o.output.save.empty())
    text += fmt::format("model: {}  (options: {})\n", o.output.save, options_file(o.output.save).string());
  if (!o.output.report.empty()) text += fmt::format("report: {}\n", o.output.report);
  if (r.interrupted() && !o.output.checkpoint_file().empty()) text += fmt::format("to go on: {}\n", resume_command(o));
  return text;
}

Json result_json(const TrainOptions& o, const TrainingResult& r) {
  Json json{{"event", "end"}};
  const char* const figure = r.description.classifies() ? "accuracy" : "r2";
  if (r.test) {
    json[std::string("test_") + figure] = r.mean_figure();
    json["test_loss"] = r.test->loss;
    json["test"] = to_json(*r.test);
  } else {
    json[std::string("folds_") + figure] = r.mean_figure();
    json[std::string("folds_") + figure + "_deviation"] = r.deviation_of_figure();
  }
  json["seconds"] = r.seconds;
  json["epochs"] = r.runs[0].history.epochs.size();
  json["steps"] = r.runs[0].steps;
  json["parameters"] = r.parameters;
  json["interrupted"] = r.interrupted();
  if (o.running.captured) {
    json["captured"] = r.why_not_captured().empty();
    if (!r.why_not_captured().empty()) json["why_not_captured"] = r.why_not_captured();
  }
  if (r.runs.size() > 1) {
    json["runs"] = Json::array();
    for (std::size_t i = 0; i < r.evaluations.size(); ++i)
      json["runs"].push_back({{"name", r.runs[i].name}, {figure, main_figure(r.evaluations[i])}});
  } else if (r.runs[0].history.best_epoch > 0) {
    json["best_epoch"] = r.runs[0].history.best_epoch;
  }
  json["report"] = o.output.report;
  json["model"] = o.output.save;
  json["checkpoint"] = o.output.checkpoint_file();
  return json;
}

}  // namespace dagrad::tools
