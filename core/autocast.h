// Mixed precision: which ops run in bf16.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad {
namespace detail {

// Read by every op that has a rule, so without a call.
extern constinit thread_local bool autocast;

}  // namespace detail

/// Whether the calling thread's ops choose their types by the rules below (false at its start).
inline bool autocast_enabled() { return detail::autocast; }

/// For a scope, ops of the calling thread cast their f32 and bf16 inputs to the type that suits them:
///
/// - products (matmul, bmm, linear, convolutions, recurrent layers) to bf16; they sum in f32 and round once;
/// - what loses most by rounding (sums and other reductions, softmax, norms, losses, exp, log, pow) to f32;
/// - elementwise ops of several inputs to the widest of their types; all others keep the type that comes.
///
/// f64 and integers are left alone. Casts are recorded, so gradients arrive in the type of the tensor they belong to:
/// parameters and what optimizers keep stay in f32. A backward, whatever scope it is called in, runs each op in the
/// types of its forward. As torch.autocast("cpu"), except that no cast is kept for the next use.
class Autocast {
 public:
  explicit Autocast(bool enabled = true) : before_(detail::autocast) { detail::autocast = enabled; }
  ~Autocast() { detail::autocast = before_; }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool before_;
};

}  // namespace dagrad
