#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/nn/feature_scaler.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {

void run_normalisation(Notebook& book) {
  data::Dataset moons = data::moons(600, {.noise = 0.15, .seed = 2});
  // One feature in other units than the other, and both far from 0.
  const Tensor features = moons.features * tensor({1.0, 50.0}) + tensor({5.0, -100.0});
  Table table{{"features", "steps of descent", "rate", "training loss", "accuracy"}};
  std::vector<Series> curves;
  for (const std::string name : {"as they are", "min-max to [0, 1]", "standardised"}) {
    double best_loss = 1e9, best_rate = 0, accuracy = 0;
    std::vector<double> best_curve;
    for (const double lr : {1e-4, 1e-3, 1e-2, 0.1, 0.5}) {  // each way gets the rate that suits it
      manual_seed(1);
      data::Dataset scaled = moons;
      scaled.features = name == "as they are"    ? features
                        : name == "standardised" ? nn::FeatureScaler::standardise(features)(features)
                                                 : nn::FeatureScaler::min_max(features)(features);
      nn::Sequential net = nn::mlp({2, 16, 2}, {.activation = nn::ActivationKind::tanh});
      optim::SGD sgd(net.parameters(), {.lr = lr, .momentum = 0.9});
      std::vector<double> losses;
      losses.reserve(300);
      for (int step = 0; step < 300; ++step) losses.push_back(train_step(net, sgd, scaled.features, scaled.labels));
      if (losses.back() >= best_loss) continue;
      best_loss = losses.back();
      best_rate = lr;
      best_curve = losses;
      accuracy = evaluate(net, scaled).accuracy;
    }
    table.rows.push_back({name, "300", fmt::format("{}", best_rate), fmt::format("{:.4f}", best_loss),
                          fmt::format("{:.1f}%", 100 * accuracy)});
    curves.push_back(counted(name, best_curve));
  }
  book.table("Two moons, one feature 50 times as wide as the other; the best rate of five for each", table);
  book.charts({line_chart({.title = "Training loss", .x_label = "step", .log_y = true}, curves)});
  book.say(
      "Features in unequal units make the loss a ravine: the rate that the wide one bears is far too small for the "
      "other. The scaler is fitted on the training part and goes with the model.");
}

}  // namespace dagrad::tools::lab
