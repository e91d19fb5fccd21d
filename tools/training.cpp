#include "tools/training.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/split.h"

namespace dagrad::tools {
namespace {

using Clock = std::chrono::steady_clock;

void set_up(const RunningOptions& o) {
  if (o.threads > 0) set_num_threads(o.threads);
  set_deterministic(o.deterministic);
  set_flush_denormals(true);
}

/// One network, or the members of an ensemble, tested one by one and together.
void train_members(const TrainOptions& o, const LoadedData& data, const TrainingEvents& events,
                   TrainingResult& result) {
  std::vector<nn::Sequential> members;
  for (std::int64_t i = 0; i < o.running.ensemble && !result.interrupted(); ++i) {
    const std::string name = o.running.ensemble > 1 ? fmt::format("member {} of {}", i + 1, o.running.ensemble) : "";
    result.runs.push_back(train_network(o, data.train, data.validation, {name, i}, events));
    members.push_back(result.runs.back().network);
  }
  result.description.members = static_cast<std::int64_t>(members.size());
  result.model = join_members(result.description, members);
  (*result.model)->eval();
  result.test_outputs = outputs_of(**result.model, data.test.features);
  result.test = evaluate(result.test_outputs, data.test, data.classes);
  if (members.size() == 1) return;
  for (nn::Sequential& member : members)
    result.evaluations.push_back(evaluate(outputs_of(member, data.test.features), data.test, data.classes));
}

void train_folds(const TrainOptions& o, const LoadedData& data, const TrainingEvents& events, TrainingResult& result) {
  const std::vector<data::Fold> folds =
      data::k_fold(data.train, o.running.folds, {.stratify = data.classifies(), .seed = o.running.seed});
  for (std::size_t i = 0; i < folds.size() && !result.interrupted(); ++i) {
    const std::string name = fmt::format("fold {} of {}", i + 1, folds.size());
    const data::Dataset validation = data.train.subset(folds[i].validation);
    NetworkRun& run = result.runs.emplace_back(
        train_network(o, data.train.subset(folds[i].train), validation, {name, static_cast<std::int64_t>(i)}, events));
    result.evaluations.push_back(evaluate(outputs_of(run.network, validation.features), validation, data.classes));
  }
}

}  // namespace

double main_figure(const Evaluation& e) { return e.classes ? e.classes->accuracy : e.numbers->r2; }

std::string TrainingResult::why_not_captured() const {
  for (const NetworkRun& run : runs) {
    if (!run.why_not_captured.empty()) return run.why_not_captured;
  }
  return {};
}

double TrainingResult::mean_figure() const {
  if (test) return main_figure(*test);
  double sum = 0;
  for (const Evaluation& evaluation : evaluations) sum += main_figure(evaluation);
  return sum / static_cast<double>(evaluations.size());
}

double TrainingResult::deviation_of_figure() const {
  if (evaluations.size() < 2) return 0;
  double sum = 0, squares = 0;
  for (const Evaluation& evaluation : evaluations) sum += main_figure(evaluation);
  const auto count = static_cast<double>(evaluations.size());
  for (const Evaluation& evaluation : evaluations) squares += std::pow(main_figure(evaluation) - sum / count, 2);
  return std::sqrt(squares / (count - 1));
}

TrainingResult train(const TrainOptions& options, const LoadedData& data, const TrainingEvents& events) {
  const auto start = Clock::now();
  set_up(options.running);
  TrainingResult result;
  result.description = {.options = options.model,
                        .shape = shape_of(data.train),
                        .classes = data.classes,
                        .members = options.running.ensemble,
                        .scales = options.data.standardize || options.data.min_max,
                        .csv = data.csv,
                        .run = options.run()};
  if (options.running.folds > 0)
    train_folds(options, data, events, result);
  else
    train_members(options, data, events, result);
  result.parameters = result.runs[0].network.parameter_count();
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace dagrad::tools
