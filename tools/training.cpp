#include "tools/training.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <memory>

#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Sums of losses and hits over samples, so that batches of different sizes count right.
struct Tally {
  double loss = 0;
  std::int64_t hits = 0, samples = 0;

  void add(double mean_loss, std::int64_t right, std::int64_t count) {
    loss += mean_loss * static_cast<double>(count);
    hits += right;
    samples += count;
  }
  Score score() const {
    return {loss / static_cast<double>(samples), static_cast<double>(hits) / static_cast<double>(samples)};
  }
};

std::int64_t count_hits(const Tensor& logits, const Tensor& labels) {
  return sum(eq(argmax(logits.detach(), 1), labels)).item<std::int64_t>();
}

}  // namespace

TrainingResult train(const TrainOptions& options, const LoadedData& data, const TrainingEvents& events) {
  const auto start = Clock::now();
  if (options.running.threads > 0) set_num_threads(options.running.threads);
  set_deterministic(options.running.deterministic);
  set_flush_denormals(true);
  manual_seed(options.running.seed);
  const AnomalyMode anomaly(options.running.detect_anomaly);

  TrainingResult result;
  result.description = {options.model, shape_of(data.train), data.classes, 1, false, data.csv, options.run()};
  nn::Sequential model = make_model(options.model, data.train);
  const auto optimizer = make_optimizer(options.optimizer, model.parameters());
  data::DataLoader loader(data.train, {.batch_size = options.optimizer.batch_size, .seed = options.running.seed});
  result.parameters = model.parameter_count();
  for (std::int64_t epoch = 1; epoch <= options.optimizer.epochs && !result.interrupted; ++epoch) {
    const auto epoch_start = Clock::now();
    Tally tally;
    for (const data::Batch& batch : loader) {
      optimizer->zero_grad();
      const Tensor logits = model(batch.features);
      const bool classes = data.classifies();
      const Tensor loss = classes ? cross_entropy(logits, batch.labels) : mse_loss(logits, batch.labels);
      const double value = loss.item<double>();
      if (!std::isfinite(value)) {
        throw Error(
            fmt::format("train: the loss is {} in epoch {}, step {} (try a lower --lr; --detect-anomaly names the op)",
                        value, epoch, batch.index + 1));
      }
      loss.backward();
      optimizer->step();
      tally.add(value, classes ? count_hits(logits, batch.labels) : 0, batch.size());
      if (events.step) events.step(epoch, batch.index + 1, loader.size(), tally.score());
      if (events.stop && events.stop()) {
        result.interrupted = true;
        break;
      }
    }
    EpochResult done{epoch, tally.score(), std::nullopt, seconds_since(epoch_start), 0};
    done.samples_per_second = static_cast<double>(tally.samples) / done.seconds;
    if (data.validation.size() > 0) {
      const Evaluation e = evaluate(outputs_of(model, data.validation.features), data.validation, data.classes);
      done.validation = Score{e.loss, e.classes ? e.classes->accuracy : 0};
    }
    result.epochs.push_back(done);
    if (events.epoch) events.epoch(done);
  }
  result.module = join_model(result.description, nullptr, {model});
  (*result.module)->eval();
  result.test_outputs = outputs_of(**result.module, data.test.features);
  result.test = evaluate(result.test_outputs, data.test, data.classes);
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace dagrad::tools
