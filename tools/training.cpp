#include "tools/training.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <memory>

#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/digits.h"
#include "dagrad/nn/data/idx.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kTestDigits = 2000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

nn::Sequential make_model(const TrainOptions& options, const data::Dataset& sample) {
  std::vector<std::int64_t> widths{sample.features.numel() / sample.size()};
  widths.insert(widths.end(), options.hidden.begin(), options.hidden.end());
  widths.push_back(sample.classes);
  nn::MlpOptions mlp;
  mlp.dropout = options.dropout;
  mlp.activation = nn::activation_kind(options.activation);
  mlp.init = nn::weight_init(options.init);
  nn::Sequential model(nn::Flatten(), nn::mlp(widths, mlp));
  model.name_parameters();
  return model;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainOptions& options, const nn::Module& model) {
  if (options.optimizer == "adam") {
    return std::make_unique<optim::Adam>(model.parameters(),
                                         optim::AdamOptions{.lr = options.lr, .weight_decay = options.weight_decay});
  }
  return std::make_unique<optim::SGD>(
      model.parameters(),
      optim::SgdOptions{.lr = options.lr, .momentum = options.momentum, .weight_decay = options.weight_decay});
}

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

Score evaluate(nn::Module& model, const data::Dataset& dataset, std::vector<std::int64_t>* confusion = nullptr) {
  const NoGrad guard;
  model.eval();
  Tally tally;
  for (std::int64_t first = 0; first < dataset.size(); first += 1000) {
    const data::Dataset part = dataset.slice(first, std::min<std::int64_t>(1000, dataset.size() - first));
    const Tensor logits = model(part.features);
    tally.add(cross_entropy(logits, part.labels).item<double>(), count_hits(logits, part.labels), part.size());
    if (confusion == nullptr) continue;
    const auto predicted = argmax(logits, 1).to_vector<std::int64_t>(), wanted = part.labels.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < wanted.size(); ++i)
      ++(*confusion)[static_cast<std::size_t>(wanted[i] * dataset.classes + predicted[i])];
  }
  model.train();
  return tally.score();
}

}  // namespace

data::Split load_data(const TrainOptions& options) {
  data::Split split = options.dataset == "mnist"
                          ? data::load_mnist(options.data)
                          : data::Split{data::digits(options.samples, 1), data::digits(kTestDigits, 2)};
  if (options.validation >= split.train.size()) {
    throw UsageError(
        fmt::format("--validation: {} of {} training samples (want fewer)", options.validation, split.train.size()));
  }
  return split;
}

TrainingResult train(const TrainOptions& options, const data::Split& data, const TrainingEvents& events) {
  const auto start = Clock::now();
  if (options.threads > 0) set_num_threads(options.threads);
  set_deterministic(options.deterministic);
  set_flush_denormals(true);
  manual_seed(options.seed);
  const AnomalyMode anomaly(options.detect_anomaly);

  const std::int64_t used = data.train.size() - options.validation;
  const data::Dataset held_out = data.train.slice(used, options.validation);
  nn::Sequential model = make_model(options, data.train);
  const auto optimizer = make_optimizer(options, model);
  data::DataLoader loader(data.train.slice(0, used), {.batch_size = options.batch_size, .seed = options.seed});

  TrainingResult result;
  result.parameters = model.parameter_count();
  for (std::int64_t epoch = 1; epoch <= options.epochs && !result.interrupted; ++epoch) {
    const auto epoch_start = Clock::now();
    Tally tally;
    for (const data::Batch& batch : loader) {
      optimizer->zero_grad();
      const Tensor logits = model(batch.features);
      const Tensor loss = cross_entropy(logits, batch.labels);
      const double value = loss.item<double>();
      if (!std::isfinite(value)) {
        throw Error(
            fmt::format("train: the loss is {} in epoch {}, step {} (try a lower --lr; --detect-anomaly names the op)",
                        value, epoch, batch.index + 1));
      }
      loss.backward();
      optimizer->step();
      tally.add(value, count_hits(logits, batch.labels), batch.size());
      if (events.step) events.step(epoch, batch.index + 1, loader.size(), tally.score());
      if (events.stop && events.stop()) {
        result.interrupted = true;
        break;
      }
    }
    EpochResult done{epoch, tally.score(), std::nullopt, seconds_since(epoch_start), 0};
    done.samples_per_second = static_cast<double>(tally.samples) / done.seconds;
    if (held_out.size() > 0) done.validation = evaluate(model, held_out);
    result.epochs.push_back(done);
    if (events.epoch) events.epoch(done);
  }
  result.classes = data.test.classes;
  result.confusion.assign(static_cast<std::size_t>(result.classes * result.classes), 0);
  result.test = evaluate(model, data.test, &result.confusion);
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace dagrad::tools
