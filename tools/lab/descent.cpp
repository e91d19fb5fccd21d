#include <chrono>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

using Clock = std::chrono::steady_clock;

/// Batch, mini-batch and stochastic descent for about as many gradients of single samples each.
void compare_batches(Notebook& book) {
  const data::Dataset digits = flat_digits(1000, 1), test = flat_digits(500, 2);
  struct Way {
    const char* name;
    std::int64_t batch;
    double lr;
  };
  Table table{{"descent", "batch", "rate", "steps", "training loss", "test accuracy", "seconds"}};
  std::vector<Series> curves;
  for (const Way& way : {Way{"batch", 0, 0.5}, Way{"mini-batch", 32, 0.1}, Way{"stochastic", 1, 0.005}}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({test.features.size(1), 32, 10});
    optim::SGD sgd(net.parameters(), {.lr = way.lr});
    data::DataLoader loader(digits, {.batch_size = way.batch, .seed = 1});
    Series curve{way.name, {}, {}};
    std::int64_t steps = 0;
    const auto start = Clock::now();
    for (int epoch = 1; epoch <= 5; ++epoch) {
      for (const data::Batch& batch : loader) {
        train_step(net, sgd, batch.features, batch.labels);
        ++steps;
      }
      curve.x.push_back(epoch);
      curve.y.push_back(evaluate(net, digits).loss);
    }
    table.rows.push_back({way.name, way.batch == 0 ? "all" : std::to_string(way.batch), fmt::format("{}", way.lr),
                          std::to_string(steps), fmt::format("{:.3f}", curve.y.back()),
                          fmt::format("{:.1f}%", 100 * evaluate(net, test).accuracy),
                          fmt::format("{:.2f}", std::chrono::duration<double>(Clock::now() - start).count())});
    curves.push_back(curve);
  }
  book.table("Five passes over 1,000 digits", table);
  book.charts({line_chart({.title = "Training loss", .x_label = "epoch", .log_y = true}, curves)});
}

/// One rate after another on the same problem.
void compare_rates(Notebook& book) {
  const data::Dataset digits = flat_digits(500, 1);
  Table table{{"rate", "loss after 60 steps"}};
  std::vector<Series> curves;
  for (const double lr : {0.01, 0.1, 0.8, 8.0}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({digits.features.size(1), 32, 10}, {.activation = nn::ActivationKind::tanh});
    optim::SGD sgd(net.parameters(), {.lr = lr});
    std::vector<double> losses;
    losses.reserve(60);
    for (int step = 0; step < 60; ++step) losses.push_back(train_step(net, sgd, digits.features, digits.labels));
    table.rows.push_back({fmt::format("{}", lr), fmt::format("{:.3f}", losses.back())});
    curves.push_back(counted(fmt::format("{}", lr), losses));
  }
  book.table("Rates, batch descent", table);
  book.charts({line_chart({.title = "Too small, right, too large", .x_label = "step", .y_label = "loss", .log_y = true},
                          curves)});
}

/// The gradient of a linear model by backpropagation, by changing one weight at a time, and by changing all at once.
void compare_perturbation(Notebook& book) {
  Table table{{"weights", "method", "evaluations of the loss to halve it", "seconds"}};
  std::vector<Series> curves{
      {"backpropagation", {}, {}}, {"one weight at a time", {}, {}}, {"all weights at once", {}, {}}};
  for (const std::int64_t weights : {8, 32, 128}) {
    for (Series& curve : curves) {
      const std::string& method = curve.name;
      const auto start = Clock::now();
      manual_seed(5);
      const Tensor x = randn({256, weights}), truth = randn({weights, 1}), y = matmul(x, truth);
      Tensor w = zeros({weights, 1}).requires_grad_();
      const auto loss_of = [&](const Tensor& at) { return mean(square(matmul(x, at) - y)); };
      std::int64_t evaluations = 0;
      const double target = 0.5 * loss_of(w).item<double>();
      while (loss_of(w).item<double>() > target && evaluations < 200'000) {
        if (method == "backpropagation") {
          loss_of(w).backward();
          evaluations += 3;  // a backward costs about twice a forward
          const NoGrad guard;
          w.copy_(w - 0.02 * w.grad());
          w.zero_grad();
        } else if (method == "one weight at a time") {
          // The classical scheme: each weight is changed on its own, and moved by what the loss did.
          const NoGrad guard;
          const double before = loss_of(w).item<double>();
          Tensor gradient = zeros({weights, 1});
          constexpr double kSmall = 1e-2;
          for (std::int64_t i = 0; i < weights; ++i) {
            Tensor moved = w.detach() + 0.0;
            moved.mutable_data<float>()[i] += static_cast<float>(kSmall);
            gradient.mutable_data<float>()[i] = static_cast<float>((loss_of(moved).item<double>() - before) / kSmall);
          }
          evaluations += weights + 1;
          w.copy_(w - 0.02 * gradient);
        } else {
          // All are changed together, and kept where the loss went down.
          const NoGrad guard;
          const Tensor moved = w + 0.1 * randn({weights, 1});
          evaluations += 2;
          if (loss_of(moved).item<double>() < loss_of(w).item<double>()) w.copy_(moved);
        }
      }
      table.rows.push_back({std::to_string(weights), method, std::to_string(evaluations),
                            fmt::format("{:.3f}", std::chrono::duration<double>(Clock::now() - start).count())});
      curve.x.push_back(static_cast<double>(weights));
      curve.y.push_back(static_cast<double>(evaluations));
    }
  }
  book.table("Learning without backpropagation", table);
  book.charts({line_chart({.title = "What it costs to halve the loss",
                           .x_label = "weights",
                           .y_label = "evaluations of the loss",
                           .log_x = true,
                           .log_y = true},
                          curves)});
  book.say(
      "Perturbing weights needs a number of evaluations that grows with the number of weights; backpropagation gives "
      "all derivatives for about two more evaluations, however many there are.");
}

}  // namespace

void run_descent(Notebook& book) {
  compare_batches(book);
  book.say(
      "For the same number of samples seen, smaller batches make more and noisier steps: they get further per pass, "
      "and a single sample at a time wastes the machine.");
  compare_rates(book);
  compare_perturbation(book);
}

}  // namespace dagrad::tools::lab
