#include "dagrad/ops/operators.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/math.h"

namespace dagrad {

Mask::operator bool() const {
  if (numel() != 1) {
    throw UsageError(
        fmt::format("condition: a comparison of {} elements, shape {} (want one, or all() or any() of them)", numel(),
                    shape().str()));
  }
  return item<bool>();
}

namespace {

void check_masks(const char* name, const Operand& a, const Operand& b) {
  for (const Tensor* t : {&a.tensor, &b.tensor}) {
    if (t->dtype() != boolean) {
      throw DTypeError(fmt::format("{}: {} (want bool: a comparison, or to(x, boolean))", name, name_of(t->dtype())));
    }
  }
}

/// Puts `result` in the target's place; `name` is the operator's.
Tensor& assign(const Target& target, const char* name, const Tensor& result) {
  Tensor& tensor = target.tensor;
  if (result.shape() != tensor.shape()) {
    throw ShapeError(fmt::format("{}: {} would become {} (want what broadcasts to the shape on the left)", name,
                                 tensor.shape().str(), result.shape().str()));
  }
  if (!result.requires_grad()) {
    tensor.copy_(result, target.where);
    tensor.note_in_place(name, target.where);
    return tensor;
  }
  if (tensor.requires_grad() && tensor.is_leaf()) {
    throw UsageError(
        fmt::format("{}: in-place change of a leaf that requires a gradient, shape {} (want NoGrad around "
                    "it, or a new tensor)",
                    name, tensor.shape().str()));
  }
  if (target.is_temporary) {
    throw UsageError(
        fmt::format("{}: a gradient flows into a tensor without a name, shape {}, and would be lost (want "
                    "NoGrad around it, or where(), index_add() or cat() to make a new one)",
                    name, tensor.shape().str()));
  }
  return tensor = result;
}

}  // namespace

Mask operator&(Operand a, Operand b) {
  check_masks("&", a, b);
  return Mask(logical_and(a.tensor, b.tensor, a.where));
}
Mask operator|(Operand a, Operand b) {
  check_masks("|", a, b);
  return Mask(logical_or(a.tensor, b.tensor, a.where));
}
Mask operator^(Operand a, Operand b) {
  check_masks("^", a, b);
  return Mask(logical_xor(a.tensor, b.tensor, a.where));
}
Mask operator~(Operand a) {
  check_masks("~", a, a);
  return Mask(logical_not(a.tensor, a.where));
}

Tensor& operator+=(Target a, const Tensor& b) { return assign(a, "+=", add(a.tensor, b, a.where)); }
Tensor& operator-=(Target a, const Tensor& b) { return assign(a, "-=", sub(a.tensor, b, a.where)); }
Tensor& operator*=(Target a, const Tensor& b) { return assign(a, "*=", mul(a.tensor, b, a.where)); }
Tensor& operator/=(Target a, const Tensor& b) { return assign(a, "/=", div(a.tensor, b, a.where)); }
Tensor& operator+=(Target a, double b) { return assign(a, "+=", add(a.tensor, b, a.where)); }
Tensor& operator-=(Target a, double b) { return assign(a, "-=", sub(a.tensor, b, a.where)); }
Tensor& operator*=(Target a, double b) { return assign(a, "*=", mul(a.tensor, b, a.where)); }
Tensor& operator/=(Target a, double b) { return assign(a, "/=", div(a.tensor, b, a.where)); }

}  // namespace dagrad
