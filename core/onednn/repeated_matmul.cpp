#include "dagrad/core/onednn/repeated_matmul.h"

#include "dagrad/core/onednn/primitive.h"

namespace dagrad::onednn {
namespace {

constexpr std::int64_t kWorthForking = 1 << 20;  // floating-point operations, as for matmul
// Reordering b [128, 512] takes 17 us and saves 3 to 4 us of 22 in each product with a [32, 128].
constexpr std::int64_t kWorthReordering = 8;

dnnl::memory::desc matrix(std::int64_t rows, std::int64_t columns, DType dtype) {
  return {{rows, columns}, data_type(dtype), dnnl::memory::dims{columns, 1}};
}

Key key_of(Kind kind, std::int64_t rows, const Tensor& b, bool reordered, int threads) {
  Key key(kind, threads);
  key.add(rows).add(b).add(reordered ? 1 : 0);
  return key;
}

Executable& product(std::int64_t rows, const Tensor& b, bool reordered, int threads) {
  const Key key = key_of(Kind::repeated_matmul, rows, b, reordered, threads);
  if (Executable* found = find(key)) return *found;
  const auto start = Clock::now();
  const dnnl::memory::dims shape(b.shape().begin(), b.shape().end());
  const dnnl::memory::desc any(shape, data_type(b.dtype()), dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(matrix(rows, b.size(0), b.dtype()),
                                                           reordered ? any : describe(b), matrix(rows, b.size(1), f32)),
                                        attributes(), engine());
  return insert(
      key, {{DNNL_ARG_SRC, nullptr, false}, {DNNL_ARG_WEIGHTS, nullptr, false}, {DNNL_ARG_DST, nullptr, true}},
      Built{dnnl::matmul(pd), {pd.src_desc(), pd.weights_desc(), pd.dst_desc()}, pd.scratchpad_desc().get_size()},
      start);
}

/// b as `to` describes it.
Storage::Pointer reorder(std::int64_t rows, const Tensor& b, const dnnl::memory::desc& to, int threads) {
  Storage::Pointer result = Storage::allocate(to.get_size());
  run(key_of(Kind::reorder_of_repeated_matmul, rows, b, true, threads),
      {in(DNNL_ARG_FROM, b), {DNNL_ARG_TO, result->data(), true}}, [&] {
        const dnnl::reorder::primitive_desc pd(engine(), describe(b), engine(), to, attributes());
        return Built{dnnl::reorder(pd), {pd.src_desc(), pd.dst_desc()}, pd.scratchpad_desc().get_size()};
      });
  return result;
}

}  // namespace

RepeatedMatmul::RepeatedMatmul(std::int64_t rows, const Tensor& b, std::int64_t times)
    : threads_(threads_for(2 * rows * b.numel(), kWorthForking)), limit_(threads_), b_(b) {
  const bool reordered = times >= kWorthReordering;
  executable_ = &product(rows, b, reordered, threads_);
  if (reordered) {
    reordered_ = reorder(rows, b, descriptor(*executable_, 1), threads_);
    executable_ = &product(rows, b, reordered, threads_);  // making the reorder may have emptied the cache
  }
  if (const std::size_t bytes = scratchpad_bytes(*executable_); bytes > 0) scratchpad_ = Storage::allocate(bytes);
}

void RepeatedMatmul::operator()(const void* a, float* dst) const {
  const void* b = reordered_ ? reordered_->data() : b_.raw_data();
  execute(*executable_,
          {{DNNL_ARG_SRC, const_cast<void*>(a), false},
           {DNNL_ARG_WEIGHTS, const_cast<void*>(b), false},
           {DNNL_ARG_DST, dst, true}},
          scratchpad_ ? scratchpad_->data() : nullptr);
}

}  // namespace dagrad::onednn
