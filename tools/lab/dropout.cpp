#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"
#include "tools/picture.h"

namespace dagrad::tools::lab {
namespace {

/// What training has added to the first hidden units' weights, as pictures: the noise that they began with would hide
/// it.
std::vector<std::string> features_of(nn::Module& net, const Tensor& start, const std::string& name) {
  std::vector<std::string> pictures;
  const Tensor weights = net.parameters()[0].detach() - start;
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(weights.size(1)))));
  for (std::int64_t unit = 0; unit < 8; ++unit) {
    std::vector<double> pixels = values(select(weights, 0, unit));
    double largest = 1e-12;
    for (const double w : pixels) largest = std::max(largest, std::abs(w));
    for (double& w : pixels) w = 0.5 + 0.5 * w / largest;
    pictures.push_back(image(pixels, side, side, fmt::format("{} {}", name, unit + 1)));
  }
  return pictures;
}

}  // namespace

void run_dropout(Notebook& book) {
  const data::Dataset digits = flat_digits(400, 1), test = flat_digits(1000, 2);
  Table table{{"dropout", "training loss", "test loss", "test accuracy"}};
  std::vector<Series> curves;
  std::vector<std::string> without, with;
  for (const double p : {0.0, 0.2, 0.5}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({digits.features.size(1), 256, 256, 10}, {.dropout = p});
    const Tensor start = clone(net.parameters()[0].detach());
    optim::Adam adam(net.parameters());
    std::vector<double> losses;
    train(net, adam, digits, 30, [&](std::int64_t) { losses.push_back(evaluate(net, test).loss); });
    const Quality quality = evaluate(net, test);
    table.rows.push_back({fmt::format("{}", p), fmt::format("{:.4f}", evaluate(net, digits).loss),
                          fmt::format("{:.3f}", quality.loss), fmt::format("{:.1f}%", 100 * quality.accuracy)});
    curves.push_back(counted(fmt::format("p = {}", p), losses));
    if (p == 0) without = features_of(net, start, "without");
    if (p == 0.5) with = features_of(net, start, "with");
    if (p != 0.5) continue;
    // Many masks averaged, against evaluation's one pass with the expected activations.
    const NoGrad guard;
    Table ensemble{{"prediction by p = 0.5", "test accuracy"}};
    const auto accuracy = [&](const Tensor& q) {
      return sum(eq(argmax(q, 1), test.labels)).item<double>() / static_cast<double>(test.size());
    };
    net.train();
    Tensor total = zeros({test.size(), 10});
    for (int members = 1; members <= 32; ++members) {
      total = total + softmax(net(test.features), 1);
      if (members == 1 || members == 8 || members == 32)
        ensemble.rows.push_back(
            {fmt::format("mean of {} masks", members), fmt::format("{:.1f}%", 100 * accuracy(total))});
    }
    ensemble.rows.push_back({"evaluation mode", fmt::format("{:.1f}%", 100 * quality.accuracy)});
    book.table("Dropout as an ensemble of the networks that its masks leave", ensemble);
  }
  book.table("400 digits, two layers of 256, 30 epochs", table);
  book.charts({line_chart({.title = "Test loss", .x_label = "epoch"}, curves)});
  book.images(without);
  book.images(with);
  book.say(
      "All of them learn the few samples nearly by heart; with dropout they take longer to, and with p = 0.5 the test "
      "loss ends a little lower. The pictures are what training has added to the weights of eight first units, without "
      "dropout and with p = 0.5. One pass in evaluation mode is about as good as the mean over many masks.");
}

}  // namespace dagrad::tools::lab
