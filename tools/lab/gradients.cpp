#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/deep_net.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

struct Setting {
  std::string name, activation, start;
  bool batch_norm = false;
};

}  // namespace

void run_gradients(Notebook& book) {
  const data::Dataset digits = flat_digits(256, 1);
  constexpr int kDepth = 30;
  const std::vector<Setting> settings = {
      {"sigmoid, Xavier", "sigmoid", "Xavier"},
      {"tanh, N(0, 0.01^2)", "tanh", "N(0, 0.01^2)"},
      {"relu, N(0, 1)", "relu", "N(0, 1)"},
      {"tanh, Xavier", "tanh", "Xavier"},
      {"relu, He", "relu", "He"},
      {"sigmoid, Xavier, batch norm", "sigmoid", "Xavier", true},
      {"relu, N(0, 0.01^2), batch norm", "relu", "N(0, 0.01^2)", true},
  };
  Table table{{"network", "gradient at layer 1", "at layer 30", "ratio", "saturated or dead units"}};
  std::vector<Series> curves;
  for (const Setting& s : settings) {
    manual_seed(2);
    DeepNet net(digits.features.size(1), 64, kDepth, 10, s.activation, start_named(s.start), s.batch_norm);
    const std::vector<double> norms = gradient_norms(net, digits.features, digits.labels);
    double stuck = 0;
    for (const Tensor& h : net.activations) stuck += stuck_share(s.activation, h) / kDepth;
    table.rows.push_back({s.name, fmt::format("{:.2g}", norms.front()), fmt::format("{:.2g}", norms.back()),
                          fmt::format("{:.2g}", norms.front() / norms.back()), fmt::format("{:.0f}%", 100 * stuck)});
    curves.push_back(counted(s.name, norms));
  }
  book.table("The gradient's norm through 30 layers of 64", table);
  std::vector<std::string> charts;
  charts.push_back(
      line_chart({.title = "It vanishes or explodes", .x_label = "layer", .y_label = "norm", .log_y = true},
                 {curves[0], curves[1], curves[2]}));
  charts.push_back(line_chart({.title = "The cures", .x_label = "layer", .y_label = "norm", .log_y = true},
                              {curves[3], curves[4], curves[5], curves[6]}));
  book.charts(charts);
  book.say(
      "Each layer multiplies the gradient by its weights and slopes, so through many layers it shrinks or grows "
      "geometrically, unless the start keeps the factor near 1 or batch normalisation sets it anew at each layer.");
}

}  // namespace dagrad::tools::lab
