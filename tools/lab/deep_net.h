// A deep network whose layers can be looked at.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dagrad/nn/nn.h"

namespace dagrad::tools::lab {

/// How a layer's weights begin.
struct Start {
  std::string name;
  std::function<void(Tensor& weight)> fill;
};
/// zero, constant, N(0, 0.01^2), N(0, 1), Xavier, He, LeCun.
const std::vector<Start>& starts();
const Start& start_named(const std::string& name);

/// The activation of a name: sigmoid, tanh or relu.
Tensor activate(const std::string& name, const Tensor& x);
/// Whether units of this activation are saturated (|tanh| > 0.99, sigmoid beyond 0.01 of its ends) or dead (relu 0), as
/// a share.
double stuck_share(const std::string& name, const Tensor& activations);

/// `depth` layers of one width behind each other, then a linear one to the classes. No biases in the hidden layers.
class DeepNet : public nn::Module {
 public:
  DeepNet(std::int64_t in, std::int64_t width, int depth, std::int64_t classes, std::string activation,
          const Start& start, bool batch_norm = false);
  Tensor forward(const Tensor& x) override;
  void parts(nn::Parts& p) override;

  /// After a forward: what each hidden layer gave.
  std::vector<Tensor> activations;
  std::vector<nn::Linear> layers;
  nn::Linear last;

 private:
  std::string activation_;
  bool batch_norm_;
};

/// Runs a batch forward and backward; the norm of the gradient that reaches each layer's activations.
std::vector<double> gradient_norms(DeepNet& net, const Tensor& x, const Tensor& labels);

}  // namespace dagrad::tools::lab
