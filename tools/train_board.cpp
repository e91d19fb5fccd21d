#include "tools/train_board.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/graph.h"
#include "dagrad/ops/ops.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kSamples = 8;

/// The loss of a few samples as it is recorded. In evaluation mode: batch norms and dropouts would notice otherwise.
Graph graph_of(nn::Sequential& network, const data::Dataset& sample) {
  const data::Dataset few = sample.slice(0, std::min<std::int64_t>(sample.size(), kSamples));
  network.eval();
  const Tensor outputs = network(few.features);
  const Tensor loss = few.classes > 0 ? cross_entropy(outputs, few.labels) : mse_loss(outputs, few.labels);
  network.train();
  return Graph(loss);
}

void write_scores(TensorBoard& board, const std::string& part, std::int64_t epoch, const nn::Scores& scores) {
  board.scalar("loss/" + part, epoch, scores.loss);
  const auto& [name, value] = scores.metrics.at(0);
  board.scalar((name == "R2Score" ? "r2/" : "accuracy/") + part, epoch, value);
}

std::string folder_name(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

}  // namespace

TrainBoard::TrainBoard(std::filesystem::path folder, const data::Dataset& sample)
    : folder_(std::move(folder)), sample_(sample) {}

TrainBoard::Run& TrainBoard::run_of(const TrainingView& view) {
  const auto found = runs_.find(view.name);
  if (found != runs_.end()) return found->second;
  const std::filesystem::path folder = view.name.empty() ? folder_ : folder_ / folder_name(view.name);
  return runs_.try_emplace(view.name, folder).first->second;
}

TrainingEvents TrainBoard::listening(const TrainingEvents& events) {
  TrainingEvents both = events;
  both.start = [this, events](const TrainingView& view) {
    if (events.start) events.start(view);
    start(view);
  };
  both.step = [this, events](const TrainingView& view, const nn::StepRecord& record) {
    if (events.step) events.step(view, record);
    step(view, record);
  };
  both.epoch = [this, events](const TrainingView& view, const nn::EpochRecord& record) {
    if (events.epoch) events.epoch(view, record);
    epoch(view, record);
  };
  return both;
}

void TrainBoard::start(const TrainingView& view) {
  TensorBoard& board = run_of(view).board;
  board.graph(graph_of(view.network, sample_));
  const Tensor& features = sample_.features;
  const bool is_image = features.dim() == 4 && (features.size(1) == 1 || features.size(1) == 3);
  for (std::int64_t i = 0; is_image && i < std::min<std::int64_t>(sample_.size(), kSamples); ++i)
    board.image(fmt::format("samples/{}", i + 1), 0, select(features, 0, i));
}

void TrainBoard::step(const TrainingView& view, const nn::StepRecord& step) {
  Run& run = run_of(view);
  if (view.record.steps().size() == run.points) return;
  run.points = view.record.steps().size();
  run.board.scalar("step/loss", step.total_step, step.loss);
  run.board.scalar("step/learning_rate", step.total_step, step.lr);
  run.board.scalar("step/gradient_norm", step.total_step, view.record.grad_norm());
}

void TrainBoard::epoch(const TrainingView& view, const nn::EpochRecord& epoch) {
  TensorBoard& board = run_of(view).board;
  write_scores(board, "train", epoch.epoch, epoch.train);
  if (epoch.validation) write_scores(board, "validation", epoch.epoch, *epoch.validation);
  board.scalar("speed/samples_per_second", epoch.epoch, epoch.samples_per_second());
  for (const auto& [name, parameter] : view.network.named_parameters())
    board.histogram("weights/" + name, epoch.epoch, parameter.detach());
}

}  // namespace dagrad::tools
