// Primitives that work along an axis: softmax.
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/onednn/primitive.h"

namespace dagrad::onednn {
namespace {

constexpr std::int64_t kWorthForking = 32 << 10;  // elements

}  // namespace

void log_softmax(const Tensor& src, int axis, Tensor& dst) {
  Key key(Kind::log_softmax, threads_for(src.numel(), kWorthForking));
  key.add(axis).add(src);
  run(key, {in(DNNL_ARG_SRC, src), out(DNNL_ARG_DST, dst)}, [&] {
    const dnnl::memory::desc desc = describe(src);
    const dnnl::logsoftmax_forward::desc operation(dnnl::prop_kind::forward_inference, desc, axis);
    const dnnl::logsoftmax_forward::primitive_desc pd(operation, attributes(), engine());
    return Built{dnnl::logsoftmax_forward(pd), {desc, desc}, pd.scratchpad_desc().get_size()};
  });
}

void log_softmax_backward(const Tensor& dst, const Tensor& diff_dst, int axis, Tensor& diff_src) {
  Key key(Kind::log_softmax_backward, threads_for(dst.numel(), kWorthForking));
  key.add(axis).add(dst);
  run(key, {in(DNNL_ARG_DST, dst), in(DNNL_ARG_DIFF_DST, diff_dst), out(DNNL_ARG_DIFF_SRC, diff_src)}, [&] {
    const dnnl::memory::desc desc = describe(dst);
    const dnnl::logsoftmax_forward::primitive_desc hint({dnnl::prop_kind::forward_training, desc, axis}, engine());
    const dnnl::logsoftmax_backward::primitive_desc pd({desc, desc, axis}, attributes(), engine(), hint);
    return Built{dnnl::logsoftmax_backward(pd), {desc, desc, desc}, pd.scratchpad_desc().get_size()};
  });
}

}  // namespace dagrad::onednn
