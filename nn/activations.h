// Activation functions as modules: each is the function of its name in ops/activation.h. ReLU, Tanh and Sigmoid are in
// layers.h.
#pragma once

#include <string>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double slope_in = 0.01) : slope(slope_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  double slope;
};

/// x above 0, below it x times a slope that is learned: one for all, or one for each channel (axis 1).
class PReLU : public Module {
 public:
  /// Throws UsageError unless channels >= 1.
  explicit PReLU(std::int64_t channels = 1, double start = 0.25);
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override { p.parameter("weight", weight); }
  std::string describe() const override;

  Tensor weight;  ///< [channels]
};

class ELU : public Module {
 public:
  explicit ELU(double alpha_in = 1) : alpha(alpha_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  double alpha;
};

class SELU : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "SELU"; }
};

/// Exact, or the approximation by tanh.
class GELU : public Module {
 public:
  enum class Approximate { none, tanh };
  explicit GELU(Approximate approximate_in = Approximate::none) : approximate(approximate_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Approximate approximate;
};

class SiLU : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "SiLU"; }
};

class Mish : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Mish"; }
};

class Softplus : public Module {
 public:
  explicit Softplus(double beta_in = 1) : beta(beta_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  double beta;
};

class LogSigmoid : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "LogSigmoid"; }
};

class Hardsigmoid : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Hardsigmoid"; }
};

class Hardswish : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Hardswish"; }
};

class Hardtanh : public Module {
 public:
  explicit Hardtanh(double low_in = -1, double high_in = 1) : low(low_in), high(high_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  double low, high;
};

/// clamp(x, 0, 6).
class ReLU6 : public Hardtanh {
 public:
  ReLU6() : Hardtanh(0, 6) {}
  std::string describe() const override { return "ReLU6"; }
};

/// e^x / sum(e^x) along an axis.
class Softmax : public Module {
 public:
  explicit Softmax(std::int64_t axis_in = -1) : axis(axis_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  std::int64_t axis;
};

class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(std::int64_t axis_in = -1) : axis(axis_in) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  std::int64_t axis;
};

}  // namespace dagrad::nn
