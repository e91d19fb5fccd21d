#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/error.h"
#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/onednn/primitive.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad::onednn {
namespace {

constexpr std::int64_t kWorthForking = 1 << 20;  // floating-point operations: some 4 us of one core

/// `t` with the strides that its sizes of 1 would have in a row-major tensor: any stride fits them, but oneDNN's fast
/// implementations look for these.
Tensor with_plain_unit_strides(const Tensor& t) {
  Strides strides = t.strides();
  const int last = t.dim() - 1;
  if (t.shape()[last] == 1 && strides[last - 1] != 1) strides[last] = 1;
  if (t.shape()[last - 1] == 1 && strides[last] == 1) strides[last - 1] = t.shape()[last];
  return strides == t.strides() ? t : t.alias(t.shape(), strides, t.offset());
}

/// Long sums of products with a transposed operand, as weights' gradients are. oneDNN's gemm brings both operands into
/// its order once, and needs up to a fifth less than its matmul: [512, 1600] by [1600, 128] takes 1,930 us against
/// 2,230; below 1024 products to a sum it is no faster.
bool is_for_gemm(const Tensor& a, const Tensor& b, const Tensor& dst) {
  constexpr std::int64_t kLong = 1024, kWide = 64;
  return a.dtype() == f32 && dst.dtype() == f32 && dst.dim() == 2 && a.size(1) >= kLong && a.size(0) >= kWide &&
         b.size(1) >= kWide && a.strides()[0] == 1 && b.strides()[1] == 1 && dst.is_contiguous();
}

void gemm_of_transposed(const Tensor& a, const Tensor& b, Tensor& dst) {
  if (detail::rehearsal != nullptr) return;
  const ThreadLimit limit(threads_for(2 * dst.numel() * a.size(1), kWorthForking));
  std::optional<Booking> booking;
  if (watched(Watch::ledger)) booking.emplace(Identity{"matmul", "gemm", a.bytes() + b.bytes() + dst.bytes()});
  const dnnl_status_t status =
      dnnl_sgemm('T', 'N', a.size(0), b.size(1), a.size(1), 1, a.data<float>(), a.strides()[1], b.data<float>(),
                 b.strides()[0], 0, dst.mutable_data<float>(), dst.strides()[0]);
  if (status != dnnl_success)
    throw Error(fmt::format("oneDNN: a product of matrices failed with status {}", static_cast<int>(status)));
}

}  // namespace

bool matmul_takes(const Tensor& t) {
  const int last = t.dim() - 1;
  const Shape& shape = t.shape();
  const auto rows_of = [&](int row, int column) {
    return (t.strides()[column] == 1 || shape[column] == 1) && (t.strides()[row] >= shape[column] || shape[row] == 1);
  };
  // oneDNN refuses axes that overlap.
  boost::container::small_vector<std::pair<std::int64_t, std::int64_t>, kMaxRank> steps;  // strides and sizes
  for (int axis = 0; axis <= last; ++axis) {
    if (shape[axis] != 1) steps.emplace_back(t.strides()[axis], shape[axis]);
  }
  std::sort(steps.begin(), steps.end());
  std::int64_t span = 1;
  for (const auto& [stride, size] : steps) {
    if (stride < span) return false;
    span = stride * size;
  }
  return rows_of(last - 1, last) || rows_of(last, last - 1);
}

void matmul(const Tensor& a_in, const Tensor& b_in, const Tensor& bias, Tensor& dst, std::optional<Eltwise> then) {
  const Tensor a = with_plain_unit_strides(a_in), b = with_plain_unit_strides(b_in);
  if (!bias.defined() && !then && is_for_gemm(a, b, dst)) return gemm_of_transposed(a, b, dst);
  Key key(Kind::matmul, threads_for(2 * dst.numel() * a.size(-1), kWorthForking));
  key.add(a)
      .add(b)
      .add(dst)
      .add(bias.defined() ? static_cast<std::int64_t>(bias.dtype()) : -1)
      .add(then ? static_cast<std::int64_t>(*then) : -1);
  const auto build = [&] {
    dnnl::primitive_attr attr = attributes();
    if (then) {
      dnnl::post_ops after;
      after.append_eltwise(1, algorithm_of(*then), 0, 0);
      attr.set_post_ops(after);
    }
    std::vector<dnnl::memory::desc> descs{describe(a), describe(b), describe(dst)};
    if (!bias.defined()) {
      const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(descs[0], descs[1], descs[2]), attr, engine());
      return Built{dnnl::matmul(pd), descs, pd.scratchpad_desc().get_size()};
    }
    dnnl::memory::dims row(static_cast<std::size_t>(dst.dim()), 1), strides(row.size(), bias.numel());
    row.back() = bias.numel();
    strides.back() = 1;
    descs.emplace_back(row, data_type(bias.dtype()), strides);
    const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(descs[0], descs[1], descs[3], descs[2]), attr, engine());
    return Built{dnnl::matmul(pd), descs, pd.scratchpad_desc().get_size()};
  };
  if (bias.defined()) {
    run(key, {in(DNNL_ARG_SRC, a), in(DNNL_ARG_WEIGHTS, b), out(DNNL_ARG_DST, dst), in(DNNL_ARG_BIAS, bias)}, build);
  } else {
    run(key, {in(DNNL_ARG_SRC, a), in(DNNL_ARG_WEIGHTS, b), out(DNNL_ARG_DST, dst)}, build);
  }
}

}  // namespace dagrad::onednn
