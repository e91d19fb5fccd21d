#include "dagrad/ops/vector_matmul.h"

// Three targets are enough to be near the best everywhere, and keep the build short: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/vector_matmul.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::vector_matmul::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The sum of a[i] b[i], in four parts side by side.
float dot(const float* a, const float* b, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), sum1);
    sum2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), sum2);
    sum3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), sum3);
  }
  for (; i + lanes <= count; i += lanes) sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
  if (i < count) {
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
    sum1 = hn::MulAdd(hn::MaskedLoad(tail, d, a + i), hn::MaskedLoad(tail, d, b + i), sum1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

/// y[i] += the sum over four rows of x[k] row[k][i].
void add_rows(const float* rows, std::int64_t step, const float* x, std::int64_t x_step, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto x0 = hn::Set(d, x[0]), x1 = hn::Set(d, x[x_step]), x2 = hn::Set(d, x[2 * x_step]),
             x3 = hn::Set(d, x[3 * x_step]);
  const float *row1 = rows + step, *row2 = row1 + step, *row3 = row2 + step;
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::MulAdd(hn::LoadU(d, rows + i), x0, hn::LoadU(d, y + i));
    sum = hn::MulAdd(hn::LoadU(d, row1 + i), x1, sum);
    sum = hn::MulAdd(hn::LoadU(d, row2 + i), x2, sum);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, row3 + i), x3, sum), d, y + i);
  }
  for (; i < count; ++i) {
    const hn::CappedTag<float, 1> one;
    auto sum = hn::MulAdd(hn::LoadU(one, rows + i), hn::Set(one, x[0]), hn::LoadU(one, y + i));
    sum = hn::MulAdd(hn::LoadU(one, row1 + i), hn::Set(one, x[x_step]), sum);
    sum = hn::MulAdd(hn::LoadU(one, row2 + i), hn::Set(one, x[2 * x_step]), sum);
    hn::StoreU(hn::MulAdd(hn::LoadU(one, row3 + i), hn::Set(one, x[3 * x_step]), sum), one, y + i);
  }
}

/// The same of one row.
void add_row(const float* row, float x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::MulAdd(hn::LoadU(d, row + i), hn::Set(d, x), hn::LoadU(d, y + i)), d, y + i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i)
    hn::StoreU(hn::MulAdd(hn::LoadU(one, row + i), hn::Set(one, x), hn::LoadU(one, y + i)), one, y + i);
}

}  // namespace dagrad::vector_matmul::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/parallel.h"

namespace dagrad::vector_matmul {
namespace {

HWY_EXPORT(dot);
HWY_EXPORT(add_rows);
HWY_EXPORT(add_row);

constexpr std::int64_t kGrain = 64 << 10;   // elements of the matrix that are worth a thread
constexpr std::int64_t kLeast = 1024;       // below so many small_matmul is as fast
constexpr std::int64_t kStretch = 8 << 10;  // results that stay in the first cache while rows are added to them

/// y [outer] += M x, for an M that lies by its columns: M[i, k] at m[i + k * step]. The columns are added up; threads
/// share out the elements.
struct Columns {
  std::int64_t outer, inner;
  const float* m;
  std::int64_t step;
  const float* x;
  std::int64_t x_step;
  float* y;

  void run() const {
    // Multiples of a vector, so that each element is computed in the same way however they are shared out.
    const std::int64_t grain = std::max<std::int64_t>(64, kGrain / inner / 64 * 64);
    parallel_for(outer, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t from = begin; from < end; from += kStretch) {
        const std::int64_t count = std::min(kStretch, end - from);
        std::int64_t k = 0;
        for (; k + 4 <= inner; k += 4)
          HWY_DYNAMIC_DISPATCH(add_rows)(m + k * step + from, step, x + k * x_step, x_step, y + from, count);
        for (; k < inner; ++k) HWY_DYNAMIC_DISPATCH(add_row)(m + k * step + from, x[k * x_step], y + from, count);
      }
    });
  }
};

}  // namespace

float dot_product(const float* a, const float* b, std::int64_t count) {
  constexpr std::int64_t kBlock = 16 << 10;  // elements whose sums are added up in f64
  if (count <= kBlock) return HWY_DYNAMIC_DISPATCH(dot)(a, b, count);
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  parallel_for(blocks, kGrain / kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      sums[static_cast<std::size_t>(i)] =
          HWY_DYNAMIC_DISPATCH(dot)(a + i * kBlock, b + i * kBlock, std::min(kBlock, count - i * kBlock));
  });
  return static_cast<float>(std::accumulate(sums.begin(), sums.end(), 0.0));
}

bool run(const Tensor& a, const Tensor& b, Tensor& dst) {
  if (dst.dim() != 2 || dst.dtype() != f32 || a.dtype() != f32 || b.dtype() != f32 || !dst.is_contiguous())
    return false;
  const std::int64_t rows = dst.size(0), columns = dst.size(1), inner = a.size(1);
  if (std::min(rows, columns) != 1 || rows * columns * inner < kLeast) return false;
  const bool one_column = columns == 1;
  const Tensor& matrix = one_column ? a : b;
  const Tensor& vector = one_column ? b : a;
  if (matrix.strides()[one_column ? 0 : 1] != 1) return false;
  std::optional<onednn::Booking> booking;
  if (watched(Watch::ledger))
    booking.emplace(onednn::Identity{"matmul", "columns", a.bytes() + b.bytes() + dst.bytes()});
  const Columns product{.outer = rows * columns,
                        .inner = inner,
                        .m = matrix.data<float>(),
                        .step = matrix.strides()[one_column ? 1 : 0],
                        .x = vector.data<float>(),
                        .x_step = vector.strides()[one_column ? 0 : 1],
                        .y = dst.mutable_data<float>()};
  std::fill_n(product.y, product.outer, 0.0F);
  product.run();
  return true;
}

}  // namespace dagrad::vector_matmul
#endif
