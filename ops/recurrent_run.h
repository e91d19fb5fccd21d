// A recurrent layer's way through a sequence: what is the same for every cell. Internal.
//
// One product for all time steps' inputs; then step by step one small product and one pass over the gates. Backwards
// the same in reverse, and one product over all time steps for each gradient. The rows of a batch do not depend on each
// other, so each thread takes some of them through the whole sequence.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "dagrad/core/tensor.h"
#include "dagrad/ops/recurrent_steps.h"

namespace dagrad::recurrent {

/// A layer's inputs: x [T, N, I]; the weights and biases; mask [T, N] of booleans; the initial states [N, H]. The
/// biases, the mask and the states may be undefined.
enum Input : std::size_t { kX, kWeightIh, kWeightHh, kBiasIh, kBiasHh, kMask, kH0, kC0, kInputs };

struct Extent {
  std::int64_t steps, batch, inputs, hidden, gates;
  bool reverse;

  static Extent of(std::span<const Tensor> in, std::int64_t gates, bool reverse);
  Shape sequence(std::int64_t width) const { return {steps, batch, width}; }
  /// The position in time of step `k`.
  std::int64_t time(std::int64_t k) const { return reverse ? steps - 1 - k : k; }
  std::int64_t last_time() const { return time(steps - 1); }
};

/// Where the rows of a [T, N, width] or [N, width] tensor lie.
template <class T>
struct Block {
  T* first = nullptr;
  std::int64_t batch = 0, width = 0;

  T* at(std::int64_t time, std::int64_t row) const {
    return first == nullptr ? nullptr : first + (time * batch + row) * width;
  }
};
template <class T>
Block<const T> reading(const Tensor& t) {
  return t.defined() ? Block<const T>{t.data<T>(), t.size(-2), t.size(-1)} : Block<const T>{};
}
template <class T>
Block<T> writing(Tensor& t) {
  return t.defined() ? Block<T>{t.mutable_data<T>(), t.size(-2), t.size(-1)} : Block<T>{};
}

/// One time step of some rows.
struct Step {
  std::int64_t time;
  std::int64_t before;  ///< the time of the step before; -1: the initial state
  std::int64_t row;
  Rows rows;
  const void* product;  ///< see recurrent_steps.h
};

/// The state before a step.
template <class T, class U>
const U* before(const Step& step, const Block<T>& initial, const Block<U>& states) {
  return step.before < 0 ? initial.at(0, step.row) : states.at(step.before, step.row);
}

using EachStep = std::function<void(const Step&)>;

// Note [Products in bf16]. Where x is bf16, by itself or under autocast, the operands of the matrix products are
// rounded to bf16 and their sums are f32; gates and states are computed and carried in f32. The weights may be f32
// then, as those of linear are under autocast: they are rounded once for each of their values (core/bf16_copy.h), and
// their gradients are not rounded. So are the initial states, and h_n and c_n have the weights' type.

/// What a forward works on, row-major, in f32 or f64.
struct ForwardRun {
  Extent extent;
  DType dtype;     // what it computes in
  DType factor;    // of the products' operands
  Tensor src;      // x as a factor, with zeros where it is masked
  Tensor mask;     // row-major, or undefined
  Tensor h_0;      // zeros where it was undefined
  Tensor states;   // [T, N, H]: h after each step,
  Tensor rounded;  // and as a factor; undefined where that is the same
  Tensor weights;  // weight_hh as a factor
  bool starts_at_zero;

  /// `output` becomes the states where it can.
  ForwardRun(std::span<const Tensor> in, std::int64_t gates, bool reverse, const Tensor& output);

  /// gates = x weight_ih^T + bias, for all steps; `bias` may be undefined.
  void multiply_inputs(const Tensor& weight_ih, const Tensor& bias, Tensor& gates) const;
  /// Calls `each` for every step of all rows in order, with h_before weight_hh^T.
  void each_step(const EachStep& each) const;
  /// Completes [output, h_n].
  void finish(Tensor& output, Tensor& h_n) const;
  /// dst = row block `time` of a sequence.
  void copy_time(const Tensor& sequence, std::int64_t time, Tensor& dst) const;
  /// `t` row-major in the type to compute in; zeros of [N, H] where it is undefined.
  Tensor initial(const Tensor& t) const;
};

/// What a backward works on, row-major, in f32 or f64.
struct BackwardRun {
  Extent extent;
  DType dtype, factor;
  Tensor mask, src, states, rounded, h_0, weights;
  Tensor diff_output;                     // or undefined
  Tensor diff_h;                          // [N, H]: in of h_n (or undefined), out of h_0
  Tensor carry;                           // [N, H], where a gradient of h goes around the product; else undefined
  Tensor diff_gates;                      // [T, N, gates H]: by the product with x,
  Tensor diff_product;                    // and by that with h; may be the same tensor
  Tensor rounded_gates, rounded_product;  // both as factors; undefined where these are the same
  Tensor diff_bias_ih, diff_bias_hh;      // [gates H], where needed
  bool starts_at_zero;

  /// `saved` are the layer's inputs, then src, states and rounded. The gradient of the gates goes over `over`, where
  /// that is defined.
  BackwardRun(std::span<const Tensor> saved, std::int64_t gates, bool reverse, const Tensor& diff_output,
              const Tensor& diff_h_n, const Tensor& over, bool carries);

  /// Calls `each` for every step of all rows in reverse order, with the gradient of h by the product of the step after.
  void each_step(const EachStep& each, const std::array<bool, kInputs>& needs);
  /// The gradients that follow from those of the gates, into those of `dst` that are needed.
  void finish(const Tensor& weight_ih, const std::array<bool, kInputs>& needs, std::array<Tensor, kInputs>& dst) const;
};

/// `t` row-major as f32 or f64, whichever its type is computed in.
Tensor as_computed(const Tensor& t);
/// bias_ih + bias_hh, or undefined.
Tensor sum_of_biases(std::span<const Tensor> in);

}  // namespace dagrad::recurrent
