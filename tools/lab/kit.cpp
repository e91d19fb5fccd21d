#include "tools/lab/kit.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/digits.h"
#include "dagrad/ops/ops.h"
#include "tools/plane.h"

namespace dagrad::tools::lab {

std::vector<double> values(const Tensor& t) { return t.detach().to_vector<double>(); }

Quality evaluate(nn::Module& model, const data::Dataset& dataset) {
  const NoGrad guard;
  const bool training = model.is_training();
  model.eval();
  const Tensor logits = model(dataset.features);
  model.train(training);
  const double hits = sum(eq(argmax(logits, 1), dataset.labels)).item<double>();
  return {cross_entropy(logits, dataset.labels).item<double>(), hits / static_cast<double>(dataset.size())};
}

double train_step(nn::Module& model, optim::Optimizer& optimizer, const Tensor& x, const Tensor& labels) {
  optimizer.zero_grad();
  const Tensor loss = cross_entropy(model(x), labels);
  loss.backward();
  optimizer.step();
  return loss.item<double>();
}

void train(nn::Module& model, optim::Optimizer& optimizer, const data::Dataset& dataset, std::int64_t epochs,
           const std::function<void(std::int64_t)>& after) {
  data::DataLoader loader(dataset, {.batch_size = 64, .seed = 1});
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    for (const data::Batch& batch : loader) train_step(model, optimizer, batch.features, batch.labels);
    if (after) after(epoch);
  }
}

data::Dataset flat_digits(std::int64_t count, std::uint64_t seed) {
  data::Dataset dataset = data::digits(count, seed);
  dataset.features = flatten(dataset.features, 1);
  return dataset;
}

Field field_over(double x_low, double x_high, double y_low, double y_high,
                 const std::function<Tensor(const Tensor&)>& f, std::int64_t n) {
  const NoGrad guard;
  Field field{x_low, x_high, y_low, y_high, n, n, {}};
  field.values = values(f(centres_of(field)));
  return field;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const std::vector<Tensor>& parameters,
                                                 double lr) {
  if (name == "sgd") return std::make_unique<optim::SGD>(parameters, optim::SgdOptions{.lr = lr});
  if (name == "momentum") return std::make_unique<optim::SGD>(parameters, optim::SgdOptions{.lr = lr, .momentum = 0.9});
  if (name == "nesterov") {
    return std::make_unique<optim::SGD>(parameters, optim::SgdOptions{.lr = lr, .momentum = 0.9, .nesterov = true});
  }
  if (name == "adagrad") return std::make_unique<optim::Adagrad>(parameters, optim::AdagradOptions{.lr = lr});
  if (name == "rmsprop") return std::make_unique<optim::RMSprop>(parameters, optim::RmspropOptions{.lr = lr});
  if (name == "adadelta") return std::make_unique<optim::Adadelta>(parameters, optim::AdadeltaOptions{.lr = lr});
  if (name == "adam") return std::make_unique<optim::Adam>(parameters, optim::AdamOptions{.lr = lr});
  if (name == "adam, uncorrected")
    return std::make_unique<optim::Adam>(parameters, optim::AdamOptions{.lr = lr, .bias_correction = false});
  if (name == "adamw") return std::make_unique<optim::AdamW>(parameters, optim::AdamwOptions{.lr = lr});
  throw UsageError(fmt::format("lab: no optimizer '{}'", name));
}

}  // namespace dagrad::tools::lab
