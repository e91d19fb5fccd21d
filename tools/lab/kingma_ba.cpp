#include "tools/lab/kingma_ba.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/idx.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"

namespace dagrad::tools::lab {
namespace {

data::Dataset flat(data::Dataset dataset) {
  dataset.features = flatten(dataset.features, 1);
  return dataset;
}

/// A training that can go on.
class Training {
 public:
  Training(const data::Dataset& samples, const OptimizerComparison& c, const std::string& optimizer, double rate,
           bool dropout)
      : run{optimizer, rate, dropout, {}, 0}, loader_(samples, {.batch_size = c.batch_size, .seed = c.seed}) {
    manual_seed(c.seed);
    net_ = nn::mlp({samples.features.size(1), c.width, c.width, samples.classes}, {.dropout = dropout ? c.dropout : 0});
    optimizer_ = make_optimizer(optimizer, net_.parameters(), rate);
  }

  void go_on_until(std::int64_t epoch) {
    while (static_cast<std::int64_t>(run.costs.size()) < epoch && std::isfinite(cost())) {
      double sum = 0;
      for (const data::Batch& batch : loader_)
        sum += train_step(net_, *optimizer_, batch.features, batch.labels) * static_cast<double>(batch.size());
      run.costs.push_back(sum / static_cast<double>(loader_.dataset().size()));
    }
  }
  void test(const data::Dataset& samples) { run.test_accuracy = evaluate(net_, samples).accuracy; }
  /// Of the last epoch; infinite for one that is not a number.
  double cost() const {
    if (run.costs.empty()) return 0;
    return std::isfinite(run.costs.back()) ? run.costs.back() : HUGE_VAL;
  }

  OptimizerRun run;

 private:
  data::DataLoader loader_;
  nn::Sequential net_;
  std::unique_ptr<optim::Optimizer> optimizer_;
};

/// The runs of one optimizer, the best first.
std::vector<OptimizerRun> tune(const data::Split& data, const OptimizerComparison& c, const std::string& optimizer,
                               bool dropout) {
  std::vector<std::unique_ptr<Training>> running;
  for (const double rate : c.rates)
    running.push_back(std::make_unique<Training>(data.train, c, optimizer, rate, dropout));
  std::vector<OptimizerRun> given_up;
  for (const TuningRound& round : c.rounds) {
    while (running.size() > round.keep) {
      given_up.insert(given_up.begin(), running.back()->run);
      running.pop_back();
    }
    for (const auto& training : running) training->go_on_until(round.until_epoch);
    std::stable_sort(running.begin(), running.end(),
                     [](const auto& a, const auto& b) { return a->cost() < b->cost(); });
  }
  std::vector<OptimizerRun> result;
  for (const auto& training : running) {
    training->test(data.test);
    result.push_back(training->run);
  }
  result.insert(result.end(), given_up.begin(), given_up.end());
  return result;
}

/// The best run of each optimizer with or without dropout, the lowest cost first.
std::vector<OptimizerRun> winners(const std::vector<OptimizerRun>& runs, bool dropout) {
  std::vector<OptimizerRun> best;
  for (const OptimizerRun& run : runs) {
    const auto same = [&](const OptimizerRun& other) { return other.optimizer == run.optimizer; };
    if (run.dropout == dropout && std::none_of(best.begin(), best.end(), same)) best.push_back(run);
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const OptimizerRun& a, const OptimizerRun& b) { return a.costs.back() < b.costs.back(); });
  return best;
}

std::string text_of(double cost) { return std::isfinite(cost) ? fmt::format("{:.3g}", cost) : "diverged"; }

void report_mode(Notebook& book, const std::vector<OptimizerRun>& runs, bool dropout) {
  const std::vector<OptimizerRun> best = winners(runs, dropout);
  if (best.empty()) return;
  const std::string mode = dropout ? "with dropout" : "without dropout";
  const std::size_t epochs = best.front().costs.size();
  std::vector<std::size_t> shown;
  for (const std::size_t epoch : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10}, epochs}) {
    if (epoch <= epochs && (shown.empty() || epoch > shown.back())) shown.push_back(epoch);
  }
  Table table{{"optimizer", "rate"}};
  for (const std::size_t epoch : shown) table.columns.push_back(fmt::format("cost, epoch {}", epoch));
  table.columns.emplace_back("test accuracy");
  std::vector<Series> curves;
  std::vector<std::string> order;
  for (const OptimizerRun& run : best) {
    std::vector<std::string> row{run.optimizer, fmt::format("{}", run.rate)};
    for (const std::size_t epoch : shown)
      row.push_back(epoch <= run.costs.size() ? text_of(run.costs[epoch - 1]) : "-");
    row.push_back(fmt::format("{:.1f}%", 100 * run.test_accuracy));
    table.rows.push_back(row);
    curves.push_back(counted(run.optimizer, run.costs));
    order.push_back(run.optimizer);
  }
  book.table(fmt::format("Training cost {}, each optimizer at its best rate", mode), table);
  book.curves({.title = fmt::format("Training cost {}", mode), .x_label = "epoch", .log_y = true}, curves);

  // How much the rate matters: the cost of every rate after the first round.
  Table grid{{"rate"}};
  std::vector<double> rates;
  for (const OptimizerRun& run : runs) {
    if (std::find(rates.begin(), rates.end(), run.rate) == rates.end()) rates.push_back(run.rate);
  }
  std::sort(rates.begin(), rates.end());
  grid.columns.insert(grid.columns.end(), order.begin(), order.end());
  for (const double rate : rates) {
    std::vector<std::string> row{fmt::format("{}", rate)};
    for (const std::string& optimizer : order) {
      const auto at = std::find_if(runs.begin(), runs.end(), [&](const OptimizerRun& run) {
        return run.optimizer == optimizer && run.rate == rate && run.dropout == dropout;
      });
      row.push_back(at == runs.end() || at->costs.empty()
                        ? "-"
                        : fmt::format("{} ({})", text_of(at->costs.back()), at->costs.size()));
    }
    grid.rows.push_back(row);
  }
  book.table(fmt::format("Last cost (and epochs run) at each rate, {}", mode), grid);
  book.say(fmt::format("Order {}, lowest cost first: {}. {}", mode, fmt::join(order, ", "),
                       order.front() == "adam" ? "As in the paper, Adam's cost is the lowest."
                                               : "In the paper Adam's cost is the lowest."));
}

}  // namespace

std::vector<OptimizerRun> compare_optimizers(const data::Split& data, const OptimizerComparison& comparison) {
  std::vector<OptimizerRun> all;
  const data::Split rows{flat(data.train), flat(data.test)};
  for (const bool dropout : {false, true}) {
    for (const std::string& optimizer : comparison.optimizers) {
      const std::vector<OptimizerRun> runs = tune(rows, comparison, optimizer, dropout);
      all.insert(all.end(), runs.begin(), runs.end());
    }
  }
  return all;
}

void report_comparison(Notebook& book, const std::vector<OptimizerRun>& runs) {
  for (const bool dropout : {false, true}) report_mode(book, runs, dropout);
}

void run_kingma_ba(Notebook& book) {
  if (book.data().empty())
    throw UsageError("lab kingma-ba: no folder (want --data DIR with MNIST's files; the t10k files will do)");
  const data::Split mnist = data::load_mnist(book.data());
  book.say(
      fmt::format("Two hidden layers of 1000 ReLU units on {} images of MNIST in batches of 128; the rate of each "
                  "optimizer is chosen from the same grid by training cost, which is what is compared.",
                  mnist.train.size()));
  report_comparison(book, compare_optimizers(mnist, {}));
}

}  // namespace dagrad::tools::lab
