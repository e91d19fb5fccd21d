#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/deep_net.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

constexpr int kDepth = 30;
constexpr std::int64_t kWidth = 64;

struct Setting {
  std::string name, activation, start;
  bool batch_norm = false;
};

/// The norm of the gradient and the share of units that are stuck, layer by layer, before any training.
void look_through_depth(Notebook& book, const data::Dataset& digits) {
  const std::vector<Setting> settings = {
      {"sigmoid, Xavier", "sigmoid", "Xavier"},
      {"tanh, N(0, 0.01^2)", "tanh", "N(0, 0.01^2)"},
      {"relu, N(0, 1)", "relu", "N(0, 1)"},
      {"tanh, Xavier", "tanh", "Xavier"},
      {"relu, He", "relu", "He"},
      {"sigmoid, Xavier, batch norm", "sigmoid", "Xavier", true},
      {"relu, N(0, 0.01^2), batch norm", "relu", "N(0, 0.01^2)", true},
  };
  Table table{
      {"network", "gradient at layer 1", fmt::format("at layer {}", kDepth), "ratio", "saturated or dead units"}};
  std::vector<Series> curves, stuck_curves;
  for (const Setting& s : settings) {
    manual_seed(2);
    DeepNet net(digits.features.size(1), kWidth, kDepth, 10, s.activation, start_named(s.start), s.batch_norm);
    const std::vector<double> norms = gradient_norms(net, digits.features, digits.labels);
    double stuck = 0;
    std::vector<double> by_layer;
    for (const Tensor& h : net.activations) {
      by_layer.push_back(100 * stuck_share(s.activation, h));
      stuck += by_layer.back() / kDepth;
    }
    table.rows.push_back({s.name, fmt::format("{:.2g}", norms.front()), fmt::format("{:.2g}", norms.back()),
                          fmt::format("{:.2g}", norms.front() / norms.back()), fmt::format("{:.0f}%", stuck)});
    curves.push_back(counted(s.name, norms));
    stuck_curves.push_back(counted(s.name, by_layer));
  }
  book.table(fmt::format("The gradient's norm through {} layers of {}", kDepth, kWidth), table);
  book.charts(
      {line_chart({.title = "It vanishes or explodes", .x_label = "layer", .y_label = "norm", .log_y = true},
                  {curves[0], curves[1], curves[2]}),
       line_chart({.title = "The cures", .x_label = "layer", .y_label = "norm", .log_y = true},
                  {curves[3], curves[4], curves[5], curves[6]}),
       line_chart({.title = "Saturated or dead units", .x_label = "layer", .y_label = "percent"}, stuck_curves)});
}

/// What the cures do to training: each network takes the same steps of descent.
void train_with_cures(Notebook& book, const data::Dataset& digits) {
  struct Cure {
    std::string name, activation;
    double deviation;  // of the weights, times the square root of their number into a unit
    bool batch_norm;
    double max_norm;
  };
  constexpr int kSteps = 150;
  Table table{{"network", "first gradient norm", fmt::format("loss after {} steps", kSteps)}};
  std::vector<Series> curves;
  for (const Cure& cure :
       {Cure{"relu, weights too large", "relu", 1.75, false, 0}, Cure{"the same, clipped", "relu", 1.75, false, 10},
        Cure{"the same, batch norm", "relu", 1.75, true, 0}, Cure{"relu, He", "relu", std::sqrt(2.0), false, 0},
        Cure{"sigmoid, Xavier", "sigmoid", 1, false, 0}, Cure{"sigmoid, batch norm", "sigmoid", 1, true, 0}}) {
    manual_seed(2);
    const Start start{"", [&cure](Tensor& weight) {
                        const auto inputs = static_cast<double>(weight.size(1));
                        nn::init::normal_(weight, 0, cure.deviation / std::sqrt(inputs));
                      }};
    DeepNet net(digits.features.size(1), kWidth, kDepth, 10, cure.activation, start, cure.batch_norm);
    const std::vector<Tensor> parameters = net.parameters();
    optim::SGD sgd(parameters, {.lr = 0.02});
    std::vector<double> losses;
    double first_norm = 0;
    for (int step = 0; step < kSteps; ++step) {
      sgd.zero_grad();
      const Tensor loss = cross_entropy(net(digits.features), digits.labels);
      loss.backward();
      const double norm =
          cure.max_norm > 0 ? optim::clip_grad_norm_(parameters, cure.max_norm) : optim::grad_norm(parameters);
      if (step == 0) first_norm = norm;
      losses.push_back(loss.item<double>());
      sgd.step();
    }
    table.rows.push_back({cure.name, fmt::format("{:.2g}", first_norm),
                          std::isfinite(losses.back()) ? fmt::format("{:.3g}", losses.back()) : "no number"});
    // What explodes leaves the chart, so that the others can be told apart.
    for (double& loss : losses) loss = loss < 1e4 ? loss : INFINITY;
    curves.push_back(counted(cure.name, losses));
  }
  book.table(fmt::format("{} layers of {} trained by plain descent, rate 0.02", kDepth, kWidth), table);
  book.charts({line_chart({.title = "Loss", .x_label = "step", .log_y = true}, curves)});
}

}  // namespace

void run_gradients(Notebook& book) {
  const data::Dataset digits = flat_digits(256, 1);
  look_through_depth(book, digits);
  train_with_cures(book, digits);
  book.say(
      "Each layer multiplies the gradient by its weights and slopes, so through many layers it shrinks or grows "
      "geometrically, unless the start keeps the factor near 1. Batch normalisation makes the factor independent of "
      "the weights' "
      "scale: near 1 with a sigmoid, about 1.2 with ReLU, so that through many layers it still grows. "
      "Clipping keeps an exploding gradient from throwing the weights away; it brings back no gradient that has "
      "vanished.");
}

}  // namespace dagrad::tools::lab
