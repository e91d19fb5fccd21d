// The perceptron of 1958.
#pragma once

#include <cstdint>
#include <string>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// A unit that is on (1) where w x + b > 0 and else off (0), for x [N, in] -> [N]. It learns by Rosenblatt's rule
/// w = w + lr (target - result) x, b = b + lr (target - result), sample by sample, without a gradient (that of a step
/// is 0). Where a line (plane, ...) parts the classes the rule finds one after a finite number of mistakes (Novikoff
/// 1962); where none does, as for XOR, it never ends. Starts at 0; the weights are buffers, so they are saved and
/// loaded.
class Perceptron : public Module {
 public:
  /// Throws ShapeError unless in >= 1.
  explicit Perceptron(std::int64_t in);

  Tensor forward(const Tensor& x) override;
  /// Goes through the samples once; returns how many were wrong when their turn came. Targets [N] are 0 or 1. Throws
  /// UsageError for others, ShapeError.
  std::int64_t learn(const Tensor& x, const Tensor& target, double lr = 1);
  /// Repeats learn() until no sample is wrong or `epochs` are over; says whether none is wrong.
  bool fit(const Tensor& x, const Tensor& target, std::int64_t epochs, double lr = 1);
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;  ///< [in]
  Tensor bias;    ///< []
};

}  // namespace dagrad::nn
