#include <array>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/random.h"
#include "dagrad/nn/data/idx.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

struct Candidate {
  std::string name;
  double lr;
};

/// A surface over the plane, where to begin, and each optimizer's rate.
struct Surface {
  std::string name;
  std::function<Tensor(const Tensor&)> f;  // of [N, 2]
  std::array<double, 2> start;
  std::array<double, 4> window;
  int steps;
  std::vector<Candidate> candidates;
};

/// Candidates whose paths are drawn together, by where they stand in a list of them.
struct Family {
  const char* title;
  std::ptrdiff_t first, count;
};
constexpr Family kFamilies[] = {
    {"Descent and momentum", 0, 3}, {"A rate for each weight", 3, 3}, {"Adam and its like", 6, 3}};

Tensor x_of(const Tensor& points) { return select(points, 1, 0); }
Tensor y_of(const Tensor& points) { return select(points, 1, 1); }

const std::vector<Surface>& surfaces() {
  static const std::vector<Surface> list = {
      {"ravine: x^2 / 100 + y^2",
       [](const Tensor& p) { return square(x_of(p)) * 0.01 + square(y_of(p)); },
       {-8, 2},
       {-10, 4, -3, 3},
       60,
       {{"sgd", 0.95},
        {"momentum", 0.33},
        {"nesterov", 0.33},
        {"adagrad", 1.5},
        {"rmsprop", 0.3},
        {"adadelta", 30},
        {"adam", 0.7},
        {"adam, uncorrected", 0.7},
        {"adamw", 0.7}}},
      {"saddle: x^2 - y^2 + y^4 / 4, begun beside its ridge",
       [](const Tensor& p) {
         const Tensor yy = square(y_of(p));
         return square(x_of(p)) - yy + square(yy) * 0.25;
       },
       {-1.5, 1e-3},
       {-2, 2, -2, 2},
       40,
       {{"sgd", 0.05},
        {"momentum", 0.05},
        {"nesterov", 0.05},
        {"adagrad", 0.2},
        {"rmsprop", 0.05},
        {"adadelta", 10},
        {"adam", 0.1},
        {"adam, uncorrected", 0.1},
        {"adamw", 0.1}}},
      {"plateau: 1 - exp(-(x^2 + y^2) / 4)",
       [](const Tensor& p) { return 1.0 - exp((square(x_of(p)) + square(y_of(p))) * -0.25); },
       {-3.5, -2.5},
       {-5, 3, -4, 3},
       120,
       {{"sgd", 0.5},
        {"momentum", 0.5},
        {"nesterov", 0.5},
        {"adagrad", 0.5},
        {"rmsprop", 0.05},
        {"adadelta", 10},
        {"adam", 0.1},
        {"adam, uncorrected", 0.1},
        {"adamw", 0.1}}},
  };
  return list;
}

void walk_surface(Notebook& book, const Surface& surface) {
  Table table{{"optimizer", "rate", "value at the start", "after half", "at the end"}};
  std::vector<Series> paths, curves;
  for (const Candidate& candidate : surface.candidates) {
    Tensor at = tensor({surface.start[0], surface.start[1]}, {1, 2}).requires_grad_();
    const auto optimizer = make_optimizer(candidate.name, {at}, candidate.lr);
    Series path{candidate.name, {}, {}};
    std::vector<double> curve;
    for (int step = 0; step <= surface.steps; ++step) {
      const std::vector<double> point = values(at);
      path.x.push_back(point[0]);
      path.y.push_back(point[1]);
      optimizer->zero_grad();
      const Tensor value = sum(surface.f(at));
      curve.push_back(value.item<double>());
      value.backward();
      optimizer->step();
    }
    table.rows.push_back({candidate.name, fmt::format("{}", candidate.lr), fmt::format("{:.3g}", curve.front()),
                          fmt::format("{:.3g}", curve[curve.size() / 2]), fmt::format("{:.3g}", curve.back())});
    paths.push_back(path);
    curves.push_back(counted(candidate.name, curve));
  }
  book.table(surface.name, table);
  const auto& [x_low, x_high, y_low, y_high] = surface.window;
  const Field field = field_over(x_low, x_high, y_low, y_high, surface.f);
  std::vector<std::string> charts;
  for (const auto& [title, first, count] : kFamilies) {
    const auto begin = paths.begin() + first;
    charts.push_back(field_chart({.title = title}, field, {begin, begin + count}));
  }
  charts.push_back(line_chart({.title = "Value", .x_label = "step"}, curves));
  book.charts(charts);
}

void train_networks(Notebook& book, const std::string& title, const data::Dataset& digits, const data::Dataset& test,
                    std::int64_t epochs) {
  Table table{{"optimizer", "rate", "training loss", "test accuracy"}};
  std::vector<Series> curves;
  for (const Candidate& candidate :
       {Candidate{"sgd", 0.1}, Candidate{"momentum", 0.02}, Candidate{"nesterov", 0.02}, Candidate{"adagrad", 0.02},
        Candidate{"rmsprop", 1e-3}, Candidate{"adadelta", 1}, Candidate{"adam", 1e-3},
        Candidate{"adam, uncorrected", 1e-3}, Candidate{"adamw", 1e-3}}) {
    manual_seed(0);
    nn::Sequential net = nn::mlp({digits.features.size(1), 64, 10});
    const auto optimizer = make_optimizer(candidate.name, net.parameters(), candidate.lr);
    std::vector<double> losses;
    train(net, *optimizer, digits, epochs, [&](std::int64_t) { losses.push_back(evaluate(net, digits).loss); });
    table.rows.push_back({candidate.name, fmt::format("{}", candidate.lr), fmt::format("{:.4f}", losses.back()),
                          fmt::format("{:.1f}%", 100 * evaluate(net, test).accuracy)});
    curves.push_back(counted(candidate.name, losses));
  }
  book.table(title, table);
  book.charts({line_chart({.title = "Training loss", .x_label = "epoch", .log_y = true}, curves)});
}

/// What Adam's divisors 1 - b^t do to the first steps.
void bias_correction(Notebook& book) {
  std::vector<Series> curves;
  Table table{{"Adam", "first step", "tenth step"}};
  for (const bool corrected : {true, false}) {
    Tensor at = tensor({1.0}).requires_grad_();
    optim::Adam adam({at}, {.lr = 0.1, .bias_correction = corrected});
    std::vector<double> steps;
    for (int step = 0; step < 40; ++step) {
      const double before = at.item<double>();
      adam.zero_grad();
      sum(at * 1.0).backward();  // a slope of 1 everywhere: each step ought to be the rate
      adam.step();
      steps.push_back(before - at.item<double>());
    }
    table.rows.push_back({corrected ? "with bias correction" : "without", fmt::format("{:.3f}", steps[0]),
                          fmt::format("{:.3f}", steps[9])});
    curves.push_back(counted(corrected ? "with bias correction" : "without", steps));
  }
  book.table("Steps of Adam at rate 0.1 down a constant slope", table);
  book.charts({line_chart({.title = "Length of the steps", .x_label = "step"}, curves)});
}

}  // namespace

void run_optimizers(Notebook& book) {
  for (const Surface& surface : surfaces()) walk_surface(book, surface);
  bias_correction(book);
  train_networks(book, "A network of 64 units on the built-in digits, 8 epochs", flat_digits(2000, 1),
                 flat_digits(1000, 2), 8);
  if (!book.data().empty()) {
    data::Split mnist = data::load_mnist(book.data());
    for (data::Dataset* part : {&mnist.train, &mnist.test}) part->features = flatten(part->features, 1);
    train_networks(book,
                   fmt::format("The same network on {} of MNIST's digits, tested on {}, 5 epochs", mnist.train.size(),
                               mnist.test.size()),
                   mnist.train, mnist.test, 5);
  }
  book.say(
      "Plain descent follows the steepest direction and so crosses a ravine again and again; momentum averages the "
      "crossings away. Methods that divide by the size of past gradients move alike along all axes: they leave saddles "
      "and plateaus that plain descent hardly notices it is on. Without bias correction Adam's first steps are more "
      "than three times too long; on these small networks, whose rate could be larger, that happens to help.");
}

}  // namespace dagrad::tools::lab
