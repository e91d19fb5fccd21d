#include "dagrad/core/autocast.h"

#include <algorithm>

#include "dagrad/core/cast.h"

namespace dagrad {
namespace detail {

constinit thread_local bool autocast = false;

}  // namespace detail

namespace {

bool has(std::span<const Tensor> inputs, DType dtype) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [dtype](const Tensor& t) { return t.defined() && t.dtype() == dtype; });
}

void cast_all(std::span<Tensor> inputs, DType from, DType to, Location where) {
  const Autocast off(false);
  for (Tensor& t : inputs) {
    if (t.defined() && t.dtype() == from) t = cast(t, to, where);
  }
}

}  // namespace

void autocast_inputs(AutocastRule rule, std::span<Tensor> inputs, Location where) {
  if (rule == AutocastRule::none || has(inputs, f64)) return;
  if (rule == AutocastRule::bf16) return cast_all(inputs, f32, bf16, where);
  if (rule == AutocastRule::f32 || has(inputs, f32)) cast_all(inputs, bf16, f32, where);
}

Tensor autocast_to(AutocastRule rule, const Tensor& t, Location where) {
  Tensor result = t;
  if (autocast_enabled()) autocast_inputs(rule, {&result, 1}, where);
  return result;
}

}  // namespace dagrad
