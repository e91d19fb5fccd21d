// Dropout: of single elements, of whole channels, and for selu.
#pragma once

#include <string>

#include "dagrad/core/random.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// What these layers share: a probability, and a generator of their own, forked off the calling thread's when the
/// layer is made. In evaluation mode, and for p = 0, they pass x on.
class DropoutLayer : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  void parts(Parts& list) override { list.generator("generator", generator); }
  std::string describe() const override;

  double p;
  Generator generator;

 protected:
  /// Throws UsageError unless 0 <= p <= 1.
  DropoutLayer(const char* name, double p_in);
  virtual Tensor drop(const Tensor& x) = 0;

 private:
  const char* name_;
};

/// In training, sets each element to 0 with probability p and divides the others by 1 - p (Srivastava et al. 2014).
class Dropout : public DropoutLayer {
 public:
  explicit Dropout(double p_in = 0.5) : DropoutLayer("Dropout", p_in) {}

 private:
  Tensor drop(const Tensor& x) override;
};

/// In training, sets each channel of [N, C, L] or [C, L] to 0 with probability p and divides the others by 1 - p
/// (Tompson et al. 2015).
class Dropout1d : public DropoutLayer {
 public:
  explicit Dropout1d(double p_in = 0.5) : DropoutLayer("Dropout1d", p_in) {}

 private:
  Tensor drop(const Tensor& x) override;
};

/// The same for [N, C, H, W] or [C, H, W].
class Dropout2d : public DropoutLayer {
 public:
  explicit Dropout2d(double p_in = 0.5) : DropoutLayer("Dropout2d", p_in) {}

 private:
  Tensor drop(const Tensor& x) override;
};

/// The same for [N, C, D, H, W] or [C, D, H, W].
class Dropout3d : public DropoutLayer {
 public:
  explicit Dropout3d(double p_in = 0.5) : DropoutLayer("Dropout3d", p_in) {}

 private:
  Tensor drop(const Tensor& x) override;
};

/// In training, dropout that keeps mean 0 and variance 1, behind SELU (see alpha_dropout).
class AlphaDropout : public DropoutLayer {
 public:
  explicit AlphaDropout(double p_in = 0.5) : DropoutLayer("AlphaDropout", p_in) {}

 private:
  Tensor drop(const Tensor& x) override;
};

}  // namespace dagrad::nn
