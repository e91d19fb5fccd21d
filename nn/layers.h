// The layers of a multi-layer perceptron.
#pragma once

#include <string>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// y = x weight^T + bias, for x [..., in] -> y [..., out]; weight is [out, in], bias [out].
/// Both start as U(-1/sqrt(in), 1/sqrt(in)), as in PyTorch (its kaiming_uniform with a = sqrt 5 is that).
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool with_bias = true);
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;
  Tensor bias;  ///< undefined without one
};

/// max(x, 0).
class ReLU : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "ReLU"; }
};

class Tanh : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Tanh"; }
};

class Sigmoid : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sigmoid"; }
};

/// [N, ...] as [N, everything else] (or the axes from `first` to `last` as one).
class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t first = 1, std::int64_t last = -1) : first_(first), last_(last) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Flatten"; }

 private:
  std::int64_t first_, last_;
};

/// The axis `axis` as several: [N, 12, ...] with `Unflatten(1, {3, 4})` is [N, 3, 4, ...]. One size may be -1.
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t axis, const Shape& sizes) : axis_(axis), sizes_(sizes) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  std::int64_t axis_;
  Shape sizes_;
};

}  // namespace dagrad::nn
