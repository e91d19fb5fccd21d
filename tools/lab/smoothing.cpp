#include <fmt/format.h>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {

void run_smoothing(Notebook& book) {
  const data::Dataset digits = flat_digits(600, 1), test = flat_digits(1000, 2);
  Table table{{"smoothing", "test accuracy", "test loss", "mean confidence", "confidence - accuracy"}};
  std::vector<Histogram> rows;
  for (const double smoothing : {0.0, 0.01, 0.1, 0.3}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({digits.features.size(1), 256, 10});
    optim::Adam adam(net.parameters());
    data::DataLoader loader(digits, {.batch_size = 64, .seed = 1});
    for (int epoch = 0; epoch < 120; ++epoch) {
      for (const data::Batch& batch : loader) {
        adam.zero_grad();
        cross_entropy(net(batch.features), batch.labels, {.label_smoothing = smoothing}).backward();
        adam.step();
      }
    }
    const NoGrad guard;
    net.eval();
    const Tensor confidence = max(softmax(net(test.features), 1), {1});
    const Quality quality = evaluate(net, test);
    const double mean_confidence = mean(confidence).item<double>();
    table.rows.push_back({fmt::format("{}", smoothing), fmt::format("{:.1f}%", 100 * quality.accuracy),
                          fmt::format("{:.3f}", quality.loss), fmt::format("{:.3f}", mean_confidence),
                          fmt::format("{:+.3f}", mean_confidence - quality.accuracy)});
    rows.push_back(histogram(fmt::format("{}", smoothing), values(confidence), 0, 1));
  }
  book.table("600 digits, 256 hidden units, 120 epochs", table);
  book.charts({density_rows({.title = "Confidence on test images, by smoothing"}, rows)});
  book.say(
      "A network trained on hard labels is surer than it is right. Smoothed labels have no infinite logits as their "
      "aim, so its confidence comes down: with a little smoothing towards how often it is right, with more to far "
      "below, which the test loss pays for although as many images are told right.");
}

}  // namespace dagrad::tools::lab
