#include "dagrad/ops/narrow_matmul.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/row_dots.h"
#include "dagrad/ops/row_sums.h"

// Note [Narrow products]. A classifier's last layer has ten columns, and a single sample one row. Where rows of a and
// columns of b are runs of memory, as in src weights^T, each element is a dot product of two of them: nothing has to be
// brought into another order, which is most of what a primitive does there. What is narrow stays in the cache, the
// other operand is read once. In the gradients of such a layer, where rows of b are runs of memory, a row of the result
// is a weighted sum of them.
namespace dagrad::narrow_matmul {
namespace {

using row_dots::Runs;

constexpr std::int64_t kGrain = 64 << 10;  // multiplications that are worth a thread

template <class T>
Runs<T> runs(const Tensor& t, int axis) {
  return {t.data<T>(), t.size(axis), t.strides()[axis]};
}

template <class T, class Out>
void run_dots(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  row_dots::Job<T, Out> job{.inner = a.size(1),
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
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (job.inner * job.few.count) / 4) * 4;
  parallel_for(job.many.count, grain, [&job](std::int64_t begin, std::int64_t end) {
    auto part = job;
    part.many.data += begin * job.many.step;
    part.many.count = end - begin;
    part.dst += begin * job.dst_many;
    if (job.shift != nullptr) part.shift += begin * job.shift_many;
    row_dots::run(part);
  });
}

template <class T, class Out>
void run_sums(const Tensor& a, const Tensor& b, Tensor& dst) {
  const row_sums::Job<T, Out> job{.rows = dst.size(0),
                                  .inner = a.size(1),
                                  .columns = dst.size(1),
                                  .a = a.data<T>(),
                                  .a_row = a.strides()[0],
                                  .a_column = a.strides()[1],
                                  .b = b.data<T>(),
                                  .b_row = b.strides()[0],
                                  .dst = dst.mutable_data<Out>(),
                                  .dst_row = dst.strides()[0]};
  // In units of columns, of which the last one takes in the rest: none is too short for a vector.
  constexpr std::int64_t kUnit = row_sums::kLeastColumns;
  const std::int64_t units = job.columns / kUnit;
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (job.inner * job.rows) / 256) * 256 / kUnit;
  parallel_for(units, grain, [&job, units](std::int64_t begin, std::int64_t end) {
    auto part = job;
    part.columns = (end == units ? job.columns : end * kUnit) - begin * kUnit;
    part.b += begin * kUnit;
    part.dst += begin * kUnit;
    row_sums::run(part);
  });
}

// Where these loops are faster than oneDNN's primitives and the other loops, measured on Zen 4 for 1 to 1024 rows by
// 16 to 4096 by 1 to 4096 columns.

/// A sum over the lanes costs as much as 40 to 160 products; bf16 are multiplied
/// as f32, at half the rate of a primitive.
bool suits_dots(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  const std::int64_t few = std::min(rows, columns);
  if (few == 0) return false;
  if (type == f32) return few <= std::min<std::int64_t>(12, inner / 20);
  if (rows < columns) return few <= std::min<std::int64_t>(4, inner / 128);
  return few <= std::min<std::int64_t>(inner < 2048 ? 10 : 8, inner / 48);
}

bool suits_sums(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  const std::int64_t elements = inner * columns;  // of b
  if (rows == 0 || columns < row_sums::kLeastColumns) return false;
  return type == f32 ? rows <= 24 && elements >= 1 << 15 : rows <= 5 && elements >= 1 << 12;
}

Tensor transposed(const Tensor& matrix) {
  return matrix.alias({matrix.size(1), matrix.size(0)}, {matrix.strides()[1], matrix.strides()[0]}, matrix.offset());
}

/// `t` with runs of memory along `axis`.
Tensor in_line(const Tensor& t, int axis) {
  if (t.strides()[axis] == 1) return t;
  return axis == 1 ? contiguous_data(t) : transposed(contiguous_data(transposed(t)));
}

/// What computes a product.
enum class Way { none, dots, sums, sums_of_transposed };

Way way_of(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& dst, bool relu) {
  if (dst.dim() != 2 || (a.dtype() != f32 && a.dtype() != bf16) || b.dtype() != a.dtype()) return Way::none;
  const std::int64_t rows = dst.size(0), inner = a.size(1), columns = dst.size(1);
  const bool bias_in_line = !bias.defined() || (bias.dtype() == f32 && bias.is_contiguous());
  const bool many_in_line = rows < columns ? b.strides()[0] == 1 : a.strides()[1] == 1;
  const bool few_in_line = rows < columns ? a.strides()[1] == 1 : b.strides()[0] == 1;
  const std::int64_t worth = few_in_line ? inner : inner / 2;  // to lay it out takes a while
  if (many_in_line && bias_in_line && suits_dots(rows, worth, columns, a.dtype())) return Way::dots;
  if (bias.defined() || relu) return Way::none;
  if (b.strides()[1] == 1 && dst.strides()[1] == 1 && suits_sums(rows, inner, columns, a.dtype())) return Way::sums;
  if (a.strides()[0] == 1 && dst.strides()[0] == 1 && suits_sums(columns, inner, rows, a.dtype()))
    return Way::sums_of_transposed;
  return Way::none;
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
  const Way way = way_of(a, b, bias, dst, relu);
  if (way == Way::none) return false;
  std::optional<onednn::Booking> booking;
  if (watched(Watch::ledger))
    booking.emplace(
        onednn::Identity{"matmul", way == Way::dots ? "dots" : "sums", a.bytes() + b.bytes() + dst.bytes()});
  if (way == Way::dots && dst.numel() == 1 && a.dtype() == f32 && !bias.defined() && !relu) {
    *dst.mutable_data<float>() = dot(in_line(a, 1).data<float>(), in_line(b, 0).data<float>(), a.size(1));
    return true;
  }
  with_types(a.dtype(), dst.dtype(), [&]<class T, class Out>(T, Out) {
    if (way == Way::dots) {
      run_dots<T, Out>(in_line(a, 1), in_line(b, 0), bias, dst, relu);
    } else if (way == Way::sums) {
      run_sums<T, Out>(a, b, dst);
    } else {
      Tensor turned = transposed(dst);
      run_sums<T, Out>(transposed(b), transposed(a), turned);
    }
  });
  return true;
}

float dot(const float* a, const float* b, std::int64_t count) {
  constexpr std::int64_t kBlock = 16 << 10;
  const auto sum_of = [](const float* x, const float* y, std::int64_t n) {
    float sum = 0;
    row_dots::run(row_dots::Job<float, float>{
        .inner = n, .many = {x, 1, n}, .few = {y, 1, n}, .dst = &sum, .dst_many = 1, .dst_few = 1});
    return sum;
  };
  if (count <= kBlock) return sum_of(a, b, count);
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  parallel_for(blocks, kGrain / kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      sums[static_cast<std::size_t>(i)] =
          static_cast<double>(sum_of(a + i * kBlock, b + i * kBlock, std::min(kBlock, count - i * kBlock)));
  });
  return static_cast<float>(std::accumulate(sums.begin(), sums.end(), 0.0));
}

}  // namespace dagrad::narrow_matmul
