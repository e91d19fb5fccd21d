// Mixed precision: which ops run in bf16.
#pragma once

#include <cstdint>
#include <span>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// What autocast does with an op's f32 and bf16 inputs. An op says so by a member, like
///
///   static constexpr AutocastRule autocast = AutocastRule::bf16;
///
/// and apply() sees to it; without the member its inputs stay as they come.
enum class AutocastRule : std::uint8_t {
  none,
  bf16,    ///< for products, which sum in f32 and round once
  f32,     ///< for what loses most by rounding
  widest,  ///< for ops whose inputs must have one type: bf16 becomes f32 where another input is f32
};

namespace detail {

// Read by every op, so without a call.
extern constinit thread_local bool autocast;

}  // namespace detail

/// Whether the calling thread's ops choose their types by their rules (false at its start).
inline bool autocast_enabled() { return detail::autocast; }

/// For a scope, ops of the calling thread cast their f32 and bf16 inputs to the type that suits them:
///
/// - products (matmul, bmm, linear, convolutions, recurrent layers) to bf16; they sum in f32 and round once;
/// - what loses most by rounding (sums and other reductions, softmax, layer norms, losses, exp, log, pow) to f32;
/// - elementwise ops of several inputs to the widest of their types; all others keep the type that comes. (Batch
///   normalization computes in f32 on either.)
///
/// f64 and integers are left alone, and so are ops with an f64 input. Casts are recorded, so gradients arrive in the
/// type of the tensor they belong to: parameters and what optimizers keep stay in f32. A backward, whatever scope it is
/// called in, runs each op in the types of its forward. As torch.autocast("cpu"); only the weights of linear keep
/// their cast for a next use.
class Autocast {
 public:
  explicit Autocast(bool enabled = true) : before_(detail::autocast) { detail::autocast = enabled; }
  ~Autocast() { detail::autocast = before_; }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool before_;
};

/// Whether the two have one type, or will have when autocast has seen to an op with a rule. For functions that check
/// types before they apply an op.
inline bool same_type(const Tensor& a, const Tensor& b) {
  const auto is_cast = [](DType dtype) { return dtype == f32 || dtype == bf16; };
  return a.dtype() == b.dtype() || (autocast_enabled() && is_cast(a.dtype()) && is_cast(b.dtype()));
}

/// Casts the inputs of an op as `rule` has it. For apply().
void autocast_inputs(AutocastRule rule, std::span<Tensor> inputs, Location where);

/// `t` as `rule` has it while autocast is enabled, else `t` itself. For functions that look at types before they apply
/// an op.
Tensor autocast_to(AutocastRule rule, const Tensor& t, Location where);

}  // namespace dagrad
