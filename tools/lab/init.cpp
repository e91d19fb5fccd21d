#include <algorithm>
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
constexpr int kSteps = 60;

double deviation(const Tensor& t) {
  const double m = mean(t).item<double>();
  return std::sqrt(std::max(0.0, mean(square(t)).item<double>() - m * m));
}

/// Every third layer's density.
std::string densities(const std::string& title, const std::string& label,
                      const std::vector<std::vector<double>>& layers, double low, double high) {
  std::vector<Histogram> rows;
  for (std::size_t i = 0; i < layers.size(); i += 3)
    rows.push_back(histogram(fmt::format("layer {}", i + 1), layers[i], low, high));
  return density_rows({.title = title, .x_label = label}, rows);
}

/// log10 of the absolute values that are not 0.
std::vector<double> sizes_of(const Tensor& t) {
  std::vector<double> sizes;
  for (const double x : values(t)) {
    if (x != 0) sizes.push_back(std::log10(std::abs(x)));
  }
  return sizes;
}

/// What the layers give and get at one moment.
struct Moment {
  std::vector<std::vector<double>> activations;  // of ReLU their sizes: half of them are 0, and they may explode
  std::vector<std::vector<double>> gradients;    // their sizes
  std::vector<double> norms;                     // of the gradients, by layer
};

Moment look_at(DeepNet& net, const std::string& activation, const data::Dataset& data) {
  Moment moment;
  moment.norms = gradient_norms(net, data.features, data.labels);
  for (const Tensor& h : net.activations) {
    moment.activations.push_back(activation == "relu" ? sizes_of(h) : values(h));
    moment.gradients.push_back(h.grad().defined() ? sizes_of(h.grad()) : std::vector<double>());
  }
  return moment;
}

void add_charts(std::vector<std::string>& charts, const std::string& start, const std::string& activation,
                const std::string& when, const Moment& moment) {
  const bool is_relu = activation == "relu";
  const double low = is_relu ? -14 : activation == "tanh" ? -1 : 0, high = is_relu ? 12 : 1;
  charts.push_back(densities(fmt::format("{}, {}: activations", start, when), is_relu ? "log10 of those above 0" : "",
                             moment.activations, low, high));
  charts.push_back(densities(fmt::format("{}, {}: gradients", start, when), "log10 of the absolute value",
                             moment.gradients, -14, is_relu ? 12 : 2));
}

}  // namespace

void run_init(Notebook& book) {
  const data::Dataset digits = flat_digits(512, 1);
  for (const std::string activation : {"sigmoid", "tanh", "relu"}) {
    Table table{{"start", "std of layer 1", "std of layer 10", "saturated or dead", "gradient at layer 1 / layer 10",
                 fmt::format("loss after {} steps", kSteps)}};
    std::vector<Series> losses;
    std::vector<std::string> charts;
    for (const Start& start : starts()) {
      manual_seed(1);
      DeepNet net(digits.features.size(1), kWidth, kDepth, 10, activation, start);
      const Moment before = look_at(net, activation, digits);
      const std::vector<Tensor> first = net.activations;
      optim::Adam adam(net.parameters(), {.lr = 1e-3});
      std::vector<double> loss;
      loss.reserve(kSteps);
      for (int step = 0; step < kSteps; ++step) loss.push_back(train_step(net, adam, digits.features, digits.labels));
      const std::vector<double>& norms = before.norms;
      table.rows.push_back({start.name, fmt::format("{:.2g}", deviation(first.front())),
                            fmt::format("{:.2g}", deviation(first.back())),
                            fmt::format("{:.0f}%", 100 * stuck_share(activation, first.back())),
                            norms.back() > 0 ? fmt::format("{:.2g}", norms.front() / norms.back()) : "no gradient",
                            fmt::format("{:.3g}", loss.back())});
      losses.push_back(counted(start.name, loss));
      add_charts(charts, start.name, activation, "before training", before);
      add_charts(charts, start.name, activation, fmt::format("after {} steps", kSteps),
                 look_at(net, activation, digits));
    }
    book.table(fmt::format("{} layers of {} with {}", kDepth, kWidth, activation), table);
    book.charts({line_chart({.title = "Loss with " + activation, .x_label = "step", .log_y = true}, losses)});
    book.charts(charts);
  }
  book.say(
      "Zero and constant starts keep all units of a layer equal. N(0, 0.01^2) lets the signal and the gradients fade "
      "away; N(0, 1) saturates tanh and makes ReLU explode. Xavier keeps tanh alive, He keeps ReLU alive. A sigmoid's "
      "slope of at most 1/4 starves the first layers at every start that is made to keep the signal's variance; only "
      "the large weights of N(0, 1) make up for it, although they saturate half of the units. Gradients (and a ReLU's "
      "activations) that are exactly 0 are not in the densities, and a row without an area has none but those; what "
      "lies beyond an axis is counted at its end.");
}

}  // namespace dagrad::tools::lab
