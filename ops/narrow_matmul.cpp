#include "dagrad/ops/narrow_matmul.h"

#include <algorithm>
#include <optional>

#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/dot_kernels.h"
#include "dagrad/ops/row_kernels.h"

// Note [Narrow products]. A classifier's last layer has ten columns, and a single sample one row. Where rows of a and
// columns of b are runs of memory, as in src weights^T, each element is a dot product of two of them: nothing has to be
// brought into another order, which is most of what a primitive does there. What is narrow stays in the cache, the
// other operand is read once. In the gradients of such a layer, where rows of b are runs of memory, a row of the result
// is a weighted sum of them.
namespace dagrad::narrow_matmul {
namespace {

using dot_kernels::Runs;

template <class T>
Runs<T> runs(const Tensor& t, int axis) {
  return {t.data<T>(), t.size(axis), t.strides()[axis]};
}

template <class T, class Out>
void run_dots(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  dot_kernels::Job<T, Out> job{.inner = a.size(1),
                               .many = runs<T>(a, 0),
                               .few = runs<T>(b, 1),
                               .dst = dst.mutable_data<Out>(),
                               .dst_many = dst.strides()[0],
                               .dst_few = dst.strides()[1],
                               .shift = bias.defined() ? bias.data<float>() : nullptr,
                               .shift_few = 1,
                               .relu = relu};
  if (job.many.count < job.few.count) {
    std::swap(job.many, job.few);
    std::swap(job.dst_many, job.dst_few);
    std::swap(job.shift_many, job.shift_few);
  }
  constexpr std::int64_t kGrain = 64 << 10;  // multiplications that are worth a thread
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (job.inner * job.few.count) / 4) * 4;
  parallel_for(job.many.count, grain, [&job](std::int64_t begin, std::int64_t end) {
    auto part = job;
    part.many.data += begin * job.many.step;
    part.many.count = end - begin;
    part.dst += begin * job.dst_many;
    if (job.shift != nullptr) part.shift += begin * job.shift_many;
    dot_kernels::run(part);
  });
}

template <class T, class Out>
void run_rows(const Tensor& a, const Tensor& b, Tensor& dst) {
  const row_kernels::Job<T, Out> job{.rows = dst.size(0),
                                     .inner = a.size(1),
                                     .columns = dst.size(1),
                                     .a = a.data<T>(),
                                     .a_row = a.strides()[0],
                                     .a_column = a.strides()[1],
                                     .b = b.data<T>(),
                                     .b_row = b.strides()[0],
                                     .dst = dst.mutable_data<Out>(),
                                     .dst_row = dst.strides()[0]};
  constexpr std::int64_t kGrain = 64 << 10;  // multiplications that are worth a thread
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (job.inner * job.rows) / 256) * 256;
  parallel_for(job.columns, grain, [&job](std::int64_t begin, std::int64_t end) {
    auto part = job;
    part.columns = end - begin;
    part.b += begin;
    part.dst += begin;
    row_kernels::run(part);
  });
}

// Where these loops are faster than oneDNN's primitives and the other loops, measured on Zen 4 for 1 to 1024 rows by
// 16 to 4096 by 1 to 4096 columns.

/// A sum over the lanes costs as much as 40 to 160 products; bf16 are multiplied
/// as f32, at half the rate of a primitive.
bool suits_dots(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  const std::int64_t few = std::min(rows, columns);
  if (few == 0) return false;
  if (type == f32) return few <= std::min<std::int64_t>(16, inner / 20);
  if (rows < columns) return few <= std::min<std::int64_t>(4, inner / 128);
  return few <= std::min<std::int64_t>(inner < 2048 ? 10 : 8, inner / 48);
}

bool suits_rows(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  const std::int64_t elements = inner * columns;  // of b
  if (rows == 0 || columns % row_kernels::kUnit != 0) return false;
  return type == f32 ? rows <= 24 && elements >= 1 << 15 : rows <= 5 && elements >= 1 << 12;
}

/// Calls work(T(), Out()), values of the types of a product's operands and of its result.
template <class Work>
void with_types(DType operands, DType result, const Work& work) {
  if (operands == f32)
    work(float(), float());
  else if (result == f32)
    work(BFloat16(), float());
  else
    work(BFloat16(), BFloat16());
}

}  // namespace

bool run(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  if (dst.dim() != 2 || (a.dtype() != f32 && a.dtype() != bf16) || b.dtype() != a.dtype()) return false;
  const std::int64_t rows = dst.size(0), inner = a.size(1), columns = dst.size(1);
  const bool bias_in_line = !bias.defined() || (bias.dtype() == f32 && bias.is_contiguous());
  const bool dots =
      a.strides()[1] == 1 && b.strides()[0] == 1 && bias_in_line && suits_dots(rows, inner, columns, a.dtype());
  const bool sums = !dots && b.strides()[1] == 1 && dst.strides()[1] == 1 && !bias.defined() && !relu &&
                    suits_rows(rows, inner, columns, a.dtype());
  if (!dots && !sums) return false;
  std::optional<onednn::Booking> booking;
  if (watched(Watch::ledger))
    booking.emplace(onednn::Identity{"matmul", dots ? "dots" : "rows", a.bytes() + b.bytes() + dst.bytes()});
  with_types(a.dtype(), dst.dtype(), [&]<class T, class Out>(T, Out) {
    if (dots)
      run_dots<T, Out>(a, b, bias, dst, relu);
    else
      run_rows<T, Out>(a, b, dst);
  });
  return true;
}

}  // namespace dagrad::narrow_matmul
