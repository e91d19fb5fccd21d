// What several experiments need.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/nn/data/dataset.h"
#include "dagrad/nn/nn.h"
#include "dagrad/optim/optim.h"
#include "tools/chart.h"

namespace dagrad::tools::lab {

/// The elements as doubles.
std::vector<double> values(const Tensor& t);

struct Quality {
  double loss = 0, accuracy = 0;
};
/// Cross-entropy and accuracy of `model`, in evaluation mode.
Quality evaluate(nn::Module& model, const data::Dataset& dataset);

/// One optimizer step on the mean cross-entropy of a batch; returns the loss before it.
double train_step(nn::Module& model, optim::Optimizer& optimizer, const Tensor& x, const Tensor& labels);

/// Trains for `epochs` epochs in batches of 64; calls `after` (which may be empty) with the number of each.
void train(nn::Module& model, optim::Optimizer& optimizer, const data::Dataset& dataset, std::int64_t epochs,
           const std::function<void(std::int64_t)>& after = {});

/// The built-in digits as rows of pixels.
data::Dataset flat_digits(std::int64_t count, std::uint64_t seed);

/// `f` of [n * n, 2] points over a rectangle, as a field to draw.
Field field_over(double x_low, double x_high, double y_low, double y_high,
                 const std::function<Tensor(const Tensor&)>& f, std::int64_t n = 80);

/// An optimizer by its name (sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw), or
/// "adam, uncorrected" for Adam without its bias correction.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const std::vector<Tensor>& parameters,
                                                 double lr);

/// A module that calls a function.
class Apply : public nn::Module {
 public:
  explicit Apply(std::function<Tensor(const Tensor&)> f) : f_(std::move(f)) {}
  Tensor forward(const Tensor& x) override { return f_(x); }
  std::string describe() const override { return "Apply"; }

 private:
  std::function<Tensor(const Tensor&)> f_;
};

}  // namespace dagrad::tools::lab
