#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/deep_net.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

constexpr int kDepth = 10;
constexpr std::int64_t kWidth = 128;

double deviation(const Tensor& t) {
  const double m = mean(t).item<double>();
  return std::sqrt(std::max(0.0, mean(square(t)).item<double>() - m * m));
}

std::string densities(const std::string& title, const std::vector<Tensor>& layers, double low, double high) {
  std::vector<Histogram> rows;
  for (std::size_t i = 0; i < layers.size(); i += 3)
    rows.push_back(histogram(fmt::format("layer {}", i + 1), values(layers[i]), low, high));
  return density_rows({.title = title}, rows);
}

}  // namespace

void run_init(Notebook& book) {
  const data::Dataset digits = flat_digits(512, 1);
  for (const std::string activation : {"sigmoid", "tanh", "relu"}) {
    Table table{{"start", "std of layer 1", "std of layer 10", "saturated or dead", "gradient at layer 1 / layer 10",
                 "loss after 60 steps"}};
    std::vector<Series> losses;
    std::vector<std::string> charts;
    for (const Start& start : starts()) {
      manual_seed(1);
      DeepNet net(digits.features.size(1), kWidth, kDepth, 10, activation, start);
      const std::vector<double> norms = gradient_norms(net, digits.features, digits.labels);
      const std::vector<Tensor> first = net.activations;
      optim::Adam adam(net.parameters(), {.lr = 1e-3});
      std::vector<double> loss;
      loss.reserve(60);
      for (int step = 0; step < 60; ++step) loss.push_back(train_step(net, adam, digits.features, digits.labels));
      table.rows.push_back({start.name, fmt::format("{:.2g}", deviation(first.front())),
                            fmt::format("{:.2g}", deviation(first.back())),
                            fmt::format("{:.0f}%", 100 * stuck_share(activation, first.back())),
                            norms.back() > 0 ? fmt::format("{:.2g}", norms.front() / norms.back()) : "no gradient",
                            fmt::format("{:.3f}", loss.back())});
      losses.push_back(counted(start.name, loss));
      const bool fits = activation == "relu" ? start.name == "He" : start.name == "Xavier";
      if (start.name == "N(0, 0.01^2)" || start.name == "N(0, 1)" || fits) {
        const double low = activation == "tanh" ? -1 : 0, high = activation == "relu" ? 3 : 1;
        charts.push_back(densities(start.name + ", before training", first, low, high));
        charts.push_back(densities(start.name + ", after 60 steps", net.activations, low, high));
      }
    }
    book.table(fmt::format("{} layers of {} with {}", kDepth, kWidth, activation), table);
    charts.insert(charts.begin(),
                  line_chart({.title = "Loss with " + activation, .x_label = "step", .log_y = true}, losses));
    book.charts(charts);
  }
  book.say(
      "Zero and constant starts keep all units of a layer equal. N(0, 0.01^2) lets the signal and the gradients fade "
      "away, N(0, 1) saturates or explodes. Xavier keeps tanh alive, He keeps ReLU alive; a sigmoid's slope of at most "
      "1/4 starves the first layers whatever the start.");
}

}  // namespace dagrad::tools::lab
