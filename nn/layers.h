// The layers of a multi-layer perceptron.
#pragma once

#include <string>

#include "dagrad/core/random.h"
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

/// In training, sets each element to 0 with probability p and divides the others by 1 - p; else passes x on.
/// Its masks come from a generator of its own, forked off the calling thread's when the layer is made.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  Tensor forward(const Tensor& x) override;
  void parts(Parts& list) override { list.generator("generator", generator); }
  std::string describe() const override;

  double p;
  Generator generator;
};

/// The same for whole channels of [N, C, L], of [N, C, H, W] and of [N, C, D, H, W], or without N; and alpha_dropout,
/// to go with selu.
class Dropout1d : public Dropout {
 public:
  using Dropout::Dropout;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};
class Dropout2d : public Dropout {
 public:
  using Dropout::Dropout;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};
class Dropout3d : public Dropout {
 public:
  using Dropout::Dropout;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
};
class AlphaDropout : public Dropout {
 public:
  using Dropout::Dropout;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
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

}  // namespace dagrad::nn
