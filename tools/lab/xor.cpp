#include <fmt/format.h>

#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"
#include "tools/plane.h"

namespace dagrad::tools::lab {
namespace {

/// Rosenblatt's rule: y = step(w x + b); where y is wrong, w += (label - y) x. Returns the best accuracy after any
/// update.
double perceptron(const data::Dataset& data, int epochs, std::vector<double>& accuracies) {
  const std::vector<double> x = values(data.features), labels = values(data.labels);
  double w0 = 0, w1 = 0, b = 0, best = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const double y = w0 * x[2 * i] + w1 * x[2 * i + 1] + b > 0 ? 1 : 0;
      const double error = labels[i] - y;
      w0 += error * x[2 * i];
      w1 += error * x[2 * i + 1];
      b += error;
      double hits = 0;
      for (std::size_t k = 0; k < labels.size(); ++k)
        hits += (w0 * x[2 * k] + w1 * x[2 * k + 1] + b > 0) == (labels[k] > 0.5) ? 1 : 0;
      accuracies.push_back(hits / static_cast<double>(labels.size()));
      best = std::max(best, accuracies.back());
    }
  }
  return best;
}

}  // namespace

void run_xor(Notebook& book) {
  const data::Dataset corners = data::xor_corners(4);
  std::vector<double> by_update;
  const double best = perceptron(corners, 100, by_update);
  Table table{{"model", "accuracy", "loss after 1000 steps"},
              {{"perceptron, at its best in 100 epochs", fmt::format("{:.0f}%", 100 * best), ""}}};

  std::vector<std::string> charts;
  std::vector<Series> losses;
  for (const auto& [name, activation] :
       {std::pair{"ReLU", nn::ActivationKind::relu}, {"tanh", nn::ActivationKind::tanh}}) {
    manual_seed(3);
    nn::Sequential net = nn::mlp({2, 8, 2}, {.activation = activation});
    optim::Adam adam(net.parameters(), {.lr = 0.02});
    std::vector<double> loss;
    loss.reserve(1000);
    for (int step = 0; step < 1000; ++step) loss.push_back(train_step(net, adam, corners.features, corners.labels));
    const Quality quality = evaluate(net, corners);
    table.rows.push_back({fmt::format("2-8-2 with {}", name), fmt::format("{:.0f}%", 100 * quality.accuracy),
                          fmt::format("{:.2g}", quality.loss)});
    losses.push_back(counted(name, loss));
    const auto second_class = [&](const Tensor& points) { return select(softmax(net(points), 1), 1, 1); };
    charts.push_back(field_chart({.title = fmt::format("P(class 1) of the net with {}", name)},
                                 field_over(-1.5, 1.5, -1.5, 1.5, second_class),
                                 points_by_class(corners, {"class 0", "class 1"})));
  }
  charts.push_back(line_chart({.title = "Loss", .x_label = "step", .log_y = true}, losses));
  charts.push_back(line_chart({.title = "The perceptron's accuracy", .x_label = "update"}, {counted("", by_update)}));
  book.table("Four corners", table);
  book.charts(charts);
  book.say(
      "No line separates the corners of XOR, so the perceptron never has all four right and keeps moving; "
      "one hidden layer bends the boundary.");
}

}  // namespace dagrad::tools::lab
