#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

enum class Penalty { none, l1, l2 };

struct Way {
  std::string name;
  Penalty penalty;
  double strength;
};

Tensor penalty_of(const nn::Module& net, const Way& way) {
  Tensor total = zeros({});
  for (const auto& [name, parameter] : net.named_parameters()) {
    if (name.find("weight") == std::string::npos) continue;  // biases are left free
    total = total + (way.penalty == Penalty::l1 ? sum(abs(parameter)) : sum(square(parameter)));
  }
  return total * way.strength;
}

/// The share of weights that are as good as zero.
double zero_share(const nn::Module& net) {
  double zeros_found = 0, all = 0;
  for (const auto& [name, parameter] : net.named_parameters()) {
    if (name.find("weight") == std::string::npos) continue;
    for (const double w : values(parameter)) {
      zeros_found += std::abs(w) < 1e-3 ? 1 : 0;
      ++all;
    }
  }
  return zeros_found / all;
}

}  // namespace

void run_regularisation(Notebook& book) {
  const data::Dataset digits = flat_digits(300, 1), validation = flat_digits(300, 3), test = flat_digits(1000, 2);
  Table table{{"regularisation", "training loss", "test loss", "test accuracy", "weights below 0.001"}};
  std::vector<Series> curves, stopping;
  std::vector<Histogram> rows;
  constexpr int kEpochs = 80;
  int best_epoch = 0;
  double best_loss = INFINITY, test_loss_there = 0, test_accuracy_there = 0;
  for (const Way& way :
       {Way{"none", Penalty::none, 0}, Way{"L1, 1e-4", Penalty::l1, 1e-4}, Way{"L2, 1e-3", Penalty::l2, 1e-3}}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({digits.features.size(1), 128, 128, 10});
    optim::Adam adam(net.parameters());
    data::DataLoader loader(digits, {.batch_size = 64, .seed = 1});
    std::vector<double> losses, training;
    for (int epoch = 1; epoch <= kEpochs; ++epoch) {
      for (const data::Batch& batch : loader) {
        adam.zero_grad();
        Tensor loss = cross_entropy(net(batch.features), batch.labels);
        if (way.penalty != Penalty::none) loss = loss + penalty_of(net, way);
        loss.backward();
        adam.step();
      }
      const Quality held_out = evaluate(net, validation);
      losses.push_back(held_out.loss);
      if (way.penalty == Penalty::none) training.push_back(evaluate(net, digits).loss);
      if (way.penalty == Penalty::none && held_out.loss < best_loss) {
        best_loss = held_out.loss;
        best_epoch = epoch;
        const Quality there = evaluate(net, test);
        test_loss_there = there.loss;
        test_accuracy_there = there.accuracy;
      }
    }
    const Quality quality = evaluate(net, test);
    table.rows.push_back({way.name, fmt::format("{:.4f}", evaluate(net, digits).loss),
                          fmt::format("{:.3f}", quality.loss), fmt::format("{:.1f}%", 100 * quality.accuracy),
                          fmt::format("{:.0f}%", 100 * zero_share(net))});
    curves.push_back(counted(way.name, losses));
    if (way.penalty == Penalty::none) stopping = {counted("training", training), counted("validation", losses)};
    rows.push_back(histogram(way.name, values(net.parameters()[0]), -0.15, 0.15));
  }
  table.rows.push_back({fmt::format("early stopping (epoch {})", best_epoch), "",
                        fmt::format("{:.3f}", test_loss_there), fmt::format("{:.1f}%", 100 * test_accuracy_there), ""});
  book.table("300 digits, two layers of 128, 80 epochs", table);
  stopping.push_back({fmt::format("stop at {}", best_epoch), {static_cast<double>(best_epoch)}, {best_loss}, true});
  book.charts({line_chart({.title = "Early stopping, no penalty: loss", .x_label = "epoch"}, stopping),
               line_chart({.title = "Validation loss", .x_label = "epoch"}, curves),
               density_rows({.title = "Weights of the first layer"}, rows)});
  book.say(
      "Without a penalty the held-out loss rises again while the training loss goes to zero: the network overfits. L2 "
      "draws all weights towards zero, L1 brings many of them to nearly zero; early stopping takes the weights from "
      "the "
      "epoch at which the held-out loss was least.");
}

}  // namespace dagrad::tools::lab
