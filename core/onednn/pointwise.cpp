// Elementwise primitives. Any shape is described as one row: `eltwise` of 2.6 reads past the dimensions of a 1-d
// descriptor (mended in 2.7), so the row is two-dimensional.
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/onednn/primitive.h"

namespace dagrad::onednn {
namespace {

constexpr std::int64_t kWorthForking = 32 << 10;  // elements

dnnl::memory::desc row(std::int64_t count, DType dtype) {
  return {{1, count}, data_type(dtype), dnnl::memory::format_tag::ab};
}

dnnl::algorithm algorithm_of(Binary algorithm) {
  switch (algorithm) {
    case Binary::add: return dnnl::algorithm::binary_add;
    case Binary::sub: return dnnl::algorithm::binary_sub;
    case Binary::mul: return dnnl::algorithm::binary_mul;
    case Binary::div: return dnnl::algorithm::binary_div;
    case Binary::maximum: return dnnl::algorithm::binary_max;
    case Binary::minimum: break;
  }
  return dnnl::algorithm::binary_min;
}

}  // namespace

dnnl::algorithm algorithm_of(Eltwise algorithm) {
  switch (algorithm) {
    case Eltwise::relu: return dnnl::algorithm::eltwise_relu;
    case Eltwise::tanh: return dnnl::algorithm::eltwise_tanh;
    case Eltwise::logistic: return dnnl::algorithm::eltwise_logistic;
    case Eltwise::exp: return dnnl::algorithm::eltwise_exp;
    case Eltwise::sqrt: return dnnl::algorithm::eltwise_sqrt;
    case Eltwise::square: return dnnl::algorithm::eltwise_square;
    case Eltwise::abs: return dnnl::algorithm::eltwise_abs;
    case Eltwise::linear: break;
  }
  return dnnl::algorithm::eltwise_linear;
}

void eltwise(Eltwise algorithm, const Tensor& src, Tensor& dst, float alpha, float beta) {
  const std::int64_t count = src.numel();
  Key key(Kind::eltwise, threads_for(count, kWorthForking));
  key.add(static_cast<std::int64_t>(algorithm)).add(static_cast<std::int64_t>(src.dtype())).add(count);
  key.add(std::bit_cast<std::int32_t>(alpha)).add(std::bit_cast<std::int32_t>(beta));
  run(key, {in(DNNL_ARG_SRC, src), out(DNNL_ARG_DST, dst)}, [&] {
    const dnnl::memory::desc desc = row(count, src.dtype());
    const dnnl::eltwise_forward::desc operation(dnnl::prop_kind::forward_inference, algorithm_of(algorithm), desc,
                                                alpha, beta);
    const dnnl::eltwise_forward::primitive_desc pd(operation, attributes(), engine());
    return Built{dnnl::eltwise_forward(pd), {desc, desc}, pd.scratchpad_desc().get_size()};
  });
}

void binary(Binary algorithm, const Tensor& a, const Tensor& b, Tensor& dst) {
  const std::int64_t count = a.numel();
  Key key(Kind::binary, threads_for(count, kWorthForking));
  key.add(static_cast<std::int64_t>(algorithm)).add(static_cast<std::int64_t>(a.dtype())).add(count);
  run(key, {in(DNNL_ARG_SRC_0, a), in(DNNL_ARG_SRC_1, b), out(DNNL_ARG_DST, dst)}, [&] {
    const dnnl::memory::desc desc = row(count, a.dtype());
    const dnnl::binary::primitive_desc pd(dnnl::binary::desc(algorithm_of(algorithm), desc, desc, desc), attributes(),
                                          engine());
    return Built{dnnl::binary(pd), {desc, desc, desc}, pd.scratchpad_desc().get_size()};
  });
}

}  // namespace dagrad::onednn
