#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

/// One sigmoid unit that feeds itself for 50 steps from 0.5, and is to end at 0.7 (Pascanu, Mikolov and Bengio 2013):
/// the loss of points (w, b), which has a cliff where the unit's fixed point changes.
Tensor recurrent_unit(const Tensor& points) {
  const Tensor w = select(points, 1, 0), b = select(points, 1, 1);
  Tensor h = full({points.size(0)}, 0.5);
  for (int step = 0; step < 50; ++step) h = sigmoid(w * h + b);
  return square(h - 0.7);
}

struct Walk {
  Series path;
  double largest_step = 0;
  double last_loss = 0;
};

/// Descent from a point above the cliff; `clip` changes the gradient in place.
Walk descend(const std::string& name, const std::function<void(std::vector<Tensor>&)>& clip) {
  Tensor at = tensor({6.0, -2.2}, {1, 2}).requires_grad_();
  std::vector<Tensor> parameters{at};
  optim::SGD sgd(parameters, {.lr = 2.0});
  Walk walk{{name, {}, {}}};
  for (int step = 0; step < 60; ++step) {
    const std::vector<double> before = values(at);
    walk.path.x.push_back(before[0]);
    walk.path.y.push_back(before[1]);
    sgd.zero_grad();
    const Tensor loss = sum(recurrent_unit(at));
    loss.backward();
    clip(parameters);
    sgd.step();
    const std::vector<double> after = values(at);
    walk.largest_step = std::max(walk.largest_step, std::hypot(after[0] - before[0], after[1] - before[1]));
  }
  walk.last_loss = sum(recurrent_unit(at.detach())).item<double>();
  return walk;
}

using Clip = std::function<double(const std::vector<Tensor>&)>;  // returns the norm before

struct Run {
  std::vector<double> losses, norms;
};

/// A recurrent network that learns to repeat its first input after 30 steps. Normal weights multiply a small state's
/// norm by about `scale` at each step, and gradients explode when that is above 1; orthogonal ones (scale 0) keep it.
Run train_rnn(double scale, const Clip& clip, std::uint64_t seed) {
  manual_seed(seed);
  constexpr std::int64_t kHidden = 24, kSteps = 30, kBatch = 32;
  Tensor w = randn({kHidden, kHidden}) * (scale / std::sqrt(static_cast<double>(kHidden)));
  if (scale == 0) nn::init::orthogonal_(w);
  w.requires_grad_();
  Tensor in = randn({1, kHidden}).requires_grad_(), out = (randn({kHidden, 1}) * 0.2).requires_grad_();
  const std::vector<Tensor> parameters{w, in, out};
  optim::SGD sgd(parameters, {.lr = 0.05});
  Run run;
  for (int step = 0; step < 120; ++step) {
    const Tensor x = rand({kBatch, 1});
    sgd.zero_grad();
    Tensor h = tanh(matmul(x, in));
    for (std::int64_t t = 1; t < kSteps; ++t) h = tanh(matmul(h, w));
    const Tensor loss = mean(square(matmul(h, out) - x));
    loss.backward();
    run.norms.push_back(clip(parameters));
    sgd.step();
    run.losses.push_back(loss.item<double>());
  }
  return run;
}

double mean_of_last(const std::vector<double>& values, std::size_t count) {
  double sum = 0;
  for (std::size_t i = values.size() - count; i < values.size(); ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void compare_rnns(Notebook& book) {
  struct Way {
    std::string name;
    double scale;
    Clip clip;
  };
  const auto measured = [](const auto& clip) {
    return [clip](const std::vector<Tensor>& p) {
      const double norm = optim::grad_norm(p);
      clip(p);
      return norm;
    };
  };
  const std::vector<Way> ways = {
      {"too large, none", 2.2, measured([](const auto&) {})},
      {"too large, by value 0.05", 2.2, measured([](const auto& p) { optim::clip_grad_value_(p, 0.05); })},
      {"too large, each norm 0.5", 2.2, measured([](const auto& p) { optim::clip_each_grad_norm_(p, 0.5); })},
      {"too large, global norm 0.5", 2.2, measured([](const auto& p) { optim::clip_grad_norm_(p, 0.5); })},
      {"orthogonal, none", 0, measured([](const auto&) {})},
  };
  // Where gradients explode, the last bit of a number decides what a network does: so one of them says little.
  constexpr std::size_t kLast = 20;
  constexpr std::uint64_t kNetworks = 15;
  Table table{{"weights, clipping", "largest gradient norm", fmt::format("mean loss of the last {} steps", kLast)}};
  std::vector<Series> losses, norms;
  for (const Way& way : ways) {
    std::vector<double> largest, last;
    for (std::uint64_t seed = 1; seed <= kNetworks; ++seed) {
      const Run run = train_rnn(way.scale, way.clip, seed);
      largest.push_back(*std::max_element(run.norms.begin(), run.norms.end()));
      last.push_back(mean_of_last(run.losses, kLast));
      if (seed > 1) continue;
      losses.push_back(counted(way.name, run.losses));
      norms.push_back(counted(way.name, run.norms));
    }
    table.rows.push_back({way.name, fmt::format("{:.3g}", median_of(largest)), fmt::format("{:.3g}", median_of(last))});
  }
  book.table(fmt::format("A recurrent network over 30 steps, weights too large and weights that fit: medians of {}",
                         kNetworks),
             table);
  book.charts({line_chart({.title = "Loss", .x_label = "step", .log_y = true}, losses),
               line_chart({.title = "Gradient norm before clipping", .x_label = "step", .log_y = true}, norms)});
}

}  // namespace

void run_clipping(Notebook& book) {
  const std::vector<Walk> walks = {
      descend("none", [](std::vector<Tensor>&) {}),
      descend("by value 0.1", [](std::vector<Tensor>& p) { optim::clip_grad_value_(p, 0.1); }),
      descend("by norm 0.1", [](std::vector<Tensor>& p) { optim::clip_each_grad_norm_(p, 0.1); }),
      descend("by global norm 0.1", [](std::vector<Tensor>& p) { optim::clip_grad_norm_(p, 0.1); }),
  };
  Table table{{"clipping", "largest step", "loss after 60 steps"}};
  std::vector<Series> paths;
  for (const Walk& walk : walks) {
    table.rows.push_back(
        {walk.path.name, fmt::format("{:.3g}", walk.largest_step), fmt::format("{:.2g}", walk.last_loss)});
    paths.push_back(walk.path);
  }
  book.table("Descent towards a cliff", table);
  const Field field = field_over(3, 8, -4.5, 1, recurrent_unit);
  book.charts(
      {field_chart({.title = "Without clipping", .x_label = "w", .y_label = "b"}, field, {paths[0]}),
       field_chart({.title = "With clipping", .x_label = "w", .y_label = "b"}, field, {paths[1], paths[2], paths[3]})});

  compare_rnns(book);
  book.say(
      "At the cliff one gradient is so long that a step along it throws the weights far away, onto a plateau where "
      "none is left. Clipping by norm keeps its direction and bounds its length; by value it bounds each part and "
      "turns it. "
      "The cliff's weights are one tensor, for which its norm is the global one; the recurrent network has three, and "
      "there clipping each by itself turns the step as a whole, which the global norm does not.");
}

}  // namespace dagrad::tools::lab
