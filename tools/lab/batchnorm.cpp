#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/nn/normalization.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

nn::Sequential make_net(std::int64_t in, bool normalised) {
  nn::Sequential net;
  for (int layer = 0; layer < 5; ++layer) {
    nn::Linear linear(layer == 0 ? in : 64, 64);
    nn::init::kaiming_normal_(linear.weight, {.nonlinearity = nn::init::Nonlinearity::relu});
    net.add(linear);
    if (normalised) net.add(nn::BatchNorm1d(64));
    net.add(nn::ReLU());
  }
  net.add(nn::Linear(64, 10));
  return net;
}

}  // namespace

void run_batchnorm(Notebook& book) {
  const data::Dataset digits = flat_digits(1500, 1), test = flat_digits(500, 2);
  Table table{{"network", "rate", "training loss", "test accuracy"}};
  std::vector<Series> curves;
  for (const bool normalised : {false, true}) {
    for (const double lr : {0.02, 0.2, 2.0}) {
      manual_seed(0);
      nn::Sequential net = make_net(digits.features.size(1), normalised);
      optim::SGD sgd(net.parameters(), {.lr = lr});
      std::vector<double> losses;
      train(net, sgd, digits, 6, [&](std::int64_t) { losses.push_back(evaluate(net, digits).loss); });
      const std::string name = fmt::format("{}, rate {}", normalised ? "batch norm" : "plain", lr);
      table.rows.push_back({normalised ? "with batch norm" : "without", fmt::format("{}", lr),
                            std::isfinite(losses.back()) ? fmt::format("{:.4f}", losses.back()) : "no number",
                            fmt::format("{:.1f}%", 100 * evaluate(net, test).accuracy)});
      curves.push_back(counted(name, losses));
    }
  }
  book.table("Five hidden layers of 64 on the built-in digits, 6 epochs of plain descent", table);
  book.charts({line_chart({.title = "Training loss, without", .x_label = "epoch", .log_y = true},
                          {curves[0], curves[1], curves[2]}),
               line_chart({.title = "Training loss, with batch norm", .x_label = "epoch", .log_y = true},
                          {curves[3], curves[4], curves[5]})});

  // The same batch in training and in evaluation: by its own statistics, and by the running ones.
  manual_seed(1);
  nn::BatchNorm1d norm(1);
  const Tensor x = randn({256, 1}) * 3.0 + 5.0;
  std::vector<double> gaps;
  for (int step = 0; step < 40; ++step) {
    norm.train();
    const Tensor own = norm(x);
    norm.eval();
    gaps.push_back(max(abs(own - norm(x))).item<double>());
  }
  book.charts({line_chart({.title = "Training and evaluation draw together",
                           .x_label = "batches seen",
                           .y_label = "largest difference",
                           .log_y = true},
                          {counted("", gaps)})});
  book.say(
      "With batch normalisation the same network learns faster, and at a rate that throws it away otherwise, because "
      "the scale of a layer's weights no longer changes what the next one sees. In training it takes the batch's own "
      "mean and variance, in evaluation running averages of them, which have to be caught up with first.");
}

}  // namespace dagrad::tools::lab
