// A matrix product that is run many times by one matrix. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/parallel.h"
#include "dagrad/core/storage.h"
#include "dagrad/core/tensor.h"

namespace dagrad::onednn {

struct Executable;

/// dst [M, N] = a [M, K] @ b [K, N], for many a one after the other: a is of b's type, f32 or bf16, and dst f32; both
/// are row-major, b lies as matmul_takes() allows. The primitive is looked up and its scratchpad allocated once; where
/// `times` makes it worth it, b is reordered once as well, into the layout that the primitive likes best.
///
/// For one thread, within one scope, during which its thread keeps to the number of threads of the product.
class RepeatedMatmul {
 public:
  RepeatedMatmul(std::int64_t rows, const Tensor& b, std::int64_t times);
  void operator()(const void* a, float* dst) const;

 private:
  int threads_;
  ThreadLimit limit_;
  Executable* executable_;
  Tensor b_;
  Storage::Pointer reordered_, scratchpad_;
};

}  // namespace dagrad::onednn
