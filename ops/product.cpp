#include "dagrad/ops/product.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

void check(const char* op, const Tensor& a, const Tensor& b, bool fits, const char* want) {
  if (!fits)
    throw ShapeError(
        fmt::format("{}: the operands are {} and {} (want {})", op, a.shape().str(), b.shape().str(), want));
}

}  // namespace

Tensor bmm(const Tensor& a, const Tensor& b, Location where) {
  const bool fits = a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0) && a.size(2) == b.size(1);
  check("bmm", a, b, fits, "[B, M, K] and [B, K, N]");
  return matmul(a, b, where);
}

Tensor mv(const Tensor& matrix, const Tensor& vector, Location where) {
  const bool fits = matrix.dim() == 2 && vector.dim() == 1 && matrix.size(1) == vector.size(0);
  check("mv", matrix, vector, fits, "[M, K] and [K]");
  return matmul(matrix, vector, where);
}

Tensor dot(const Tensor& a, const Tensor& b, Location where) {
  check("dot", a, b, a.dim() == 1 && b.dim() == 1 && a.size(0) == b.size(0), "two vectors of one length");
  // For a single sum oneDNN has nothing fast: 2^20 elements take it 1,180 us, these two ops 250. (bf16 would round each
  // product.)
  return a.dtype() == bf16 || a.dtype() != b.dtype() ? matmul(a, b, where) : sum(mul(a, b, where), {}, false, where);
}

Tensor outer(const Tensor& a, const Tensor& b, Location where) {
  check("outer", a, b, a.dim() == 1 && b.dim() == 1, "two vectors");
  return mul(unsqueeze(a, 1, where), b, where);
}

}  // namespace dagrad
