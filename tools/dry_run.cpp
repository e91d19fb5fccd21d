#include "tools/dry_run.h"

#include <fmt/format.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/autocast.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/summary.h"
#include "dagrad/ops/ops.h"
#include "tools/model.h"
#include "tools/table.h"

namespace dagrad::tools {
namespace {

std::string bytes_text(std::size_t bytes) {
  const auto count = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < std::size_t{1} << 20) return fmt::format("{:.1f} KiB", count / 1024);
  if (bytes < std::size_t{1} << 30) return fmt::format("{:.1f} MiB", count / (1024 * 1024));
  return fmt::format("{:.2f} GiB", count / (1024.0 * 1024 * 1024));
}

std::size_t bytes_of(const Tensor& t) { return static_cast<std::size_t>(t.numel()) * item_size(t.dtype()); }

std::size_t bytes_of(const data::Dataset& dataset) {
  return dataset.size() == 0 ? 0 : bytes_of(dataset.features) + bytes_of(dataset.labels);
}

struct StepMemory {
  std::size_t activations = 0;  ///< the most that was alive at once beside weights, gradients and the optimizer's state
  std::size_t optimizer = 0;
};

/// By a whole step with the first batch, on a model of its own.
StepMemory measure_step(const TrainOptions& o, const data::Dataset& train, std::int64_t batch) {
  nn::Sequential model = make_model(o.model, train);
  const auto optimizer = make_optimizer(o.optimizer, model.parameters());
  const data::Dataset part = train.slice(0, batch);
  const auto loss = [&] {
    const Autocast cast(o.running.bf16);
    const Tensor outputs = model(part.features);
    return part.classes > 0 ? cross_entropy(outputs, part.labels) : mse_loss(outputs, part.labels);
  };
  loss().backward();  // what stays from now on are the gradients
  StepMemory memory;
  const std::size_t before = allocator_statistics().live_bytes;
  reset_peak_bytes();
  loss().backward();
  memory.activations = allocator_statistics().peak_bytes - before;
  optimizer->zero_grad(false);
  optimizer->step([&] {
    const Tensor value = loss();
    if (value.requires_grad()) value.backward();
    return value;
  });
  for (const auto& [name, tensor] : optimizer->state().tensors) memory.optimizer += bytes_of(tensor);
  return memory;
}

Table data_table(const LoadedData& data) {
  Table table{{"part", "samples", "memory"}};
  const auto add = [&](const char* name, const data::Dataset& part) {
    if (part.size() > 0) table.rows.push_back({name, std::to_string(part.size()), bytes_text(bytes_of(part))});
  };
  add("training", data.train);
  add("validation", data.validation);
  add("test", data.test);
  return table;
}

}  // namespace

std::string dry_run_text(const TrainOptions& o, const LoadedData& data) {
  manual_seed(o.running.seed);
  nn::Sequential model = make_model(o.model, data.train);
  const std::int64_t batch =
      o.optimizer.batch_size == 0 ? data.train.size() : std::min(o.optimizer.batch_size, data.train.size());
  Shape input = data.train.features.shape();
  input[0] = batch;
  std::string text = "Model\n" + nn::summary(model, input) + "\n";

  text += "Data\n" + text_of(data_table(data));
  text += data.classifies() ? fmt::format("{} classes", data.classes.size())
                            : fmt::format("{} numbers to learn", shape_of(data.train).outputs);
  const std::int64_t steps = (data.train.size() + batch - 1) / batch;
  text += fmt::format(", samples {}; {} steps of {} samples an epoch, {} in all\n\n", shape_of(data.train).input.str(),
                      steps, batch, steps * o.optimizer.epochs);

  std::size_t weights = 0;
  for (const Tensor& parameter : model.parameters()) weights += bytes_of(parameter);
  const StepMemory memory = measure_step(o, data.train, batch);
  Table table{{"memory of a step", "bytes"}};
  table.rows = {{"parameters", bytes_text(weights)},
                {"gradients", bytes_text(weights)},
                {"optimizer", bytes_text(memory.optimizer)},
                {"activations and their gradients, at most", bytes_text(memory.activations)},
                {"together", bytes_text(2 * weights + memory.optimizer + memory.activations)}};
  text += text_of(table) + "\n";

  Table options{{"option", "value"}};
  for (const auto& [name, value] : o.listed()) options.rows.push_back({name, value});
  return text + text_of(options);
}

}  // namespace dagrad::tools
