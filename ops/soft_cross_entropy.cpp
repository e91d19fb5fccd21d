#include "dagrad/ops/soft_cross_entropy.h"

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/class_targets.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/fold_kernels.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise_loss.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/softmax_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad::losses {
namespace {

DType compute_type(const Tensor& logits) { return logits.dtype() == f64 ? f64 : f32; }

/// diff_logits = diff_rows[i] (Q[i] softmax(logits) - q) with Q = sum(q, 1)
struct SoftCrossEntropyBackward {
  static constexpr std::string_view name = "soft_cross_entropy_backward";

  Spec infer(const Tensor&, const Tensor& logits, const Tensor&, const Tensor&) const { return logits.spec(); }
  void forward(Forward& ctx, const Tensor& diff_rows, const Tensor& logits, const Tensor& q, const Tensor& log_sums,
               Tensor& dst) const {
    for (const Tensor& t : {diff_rows, logits, q, log_sums}) ctx.save(t);
    if (dst.numel() == 0) return;
    const DType compute = compute_type(logits);
    Tensor rows = dst.dtype() == compute ? dst : Tensor::allocate({dst.shape(), compute});
    if (compute == f64)
      run<double>(diff_rows, logits, q, log_sums, rows);
    else
      run<float>(diff_rows, logits, q, log_sums, rows);
    if (!rows.is_same(dst)) copy_elements(rows, dst);
  }

  // With p = softmax(logits) and cotangent h: df/dg = sum(h (Q p - q), 1), df/dlogits = g Q p (h - sum(h p, 1)),
  // df/dq = g (sum(h p, 1) - h)
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), logits = ctx.saved(1), q = ctx.saved(2);
    if (ctx.needs(0)) {
      const Tensor one = ones(g.shape(), g.dtype());
      ctx.give(0, sum(h * apply(*this, Location::current(), one, logits, q, ctx.saved(3)), {1}));
    }
    if (!ctx.needs(1) && !ctx.needs(2)) return;
    const Tensor p = exp(log_softmax(logits, 1)), rest = h - sum(h * p, {1}, true), rows = unsqueeze(g, 1);
    if (ctx.needs(1)) ctx.give(1, rows * sum(q, {1}, true) * p * rest);
    if (ctx.needs(2)) ctx.give(2, neg(rows * rest));
  }

 private:
  template <class T>
  static void run(const Tensor& diff_rows, const Tensor& logits, const Tensor& targets, const Tensor& log_sums,
                  Tensor& dst) {
    const Tensor x = in_line_as(logits, dtype_of<T>), q = in_line_as(targets, dtype_of<T>);
    const Tensor diff = in_line_as(diff_rows, dtype_of<T>);
    const std::int64_t columns = x.size(1);
    const T* from = x.data<T>();
    const T* target = q.data<T>();
    const T* sums = log_sums.data<T>();
    const T* g = diff.data<T>();
    T* to = dst.mutable_data<T>();
    softmax_rows::for_rows(x.size(0), columns, [&](std::int64_t i) {
      T* row = to + i * columns;
      const T* share = target + i * columns;
      softmax_rows::scaled_exp(from + i * columns, {sums[2 * i], sums[2 * i + 1]},
                               g[i] * fold::sum_of_row(share, columns), row, columns);
      for (std::int64_t c = 0; c < columns; ++c) row[c] -= g[i] * share[c];
    });
  }
};

/// The backward gets ln(sum(e^logits)) of each row, in its two parts as [N, 2].
struct SoftCrossEntropy {
  static constexpr std::string_view name = "soft_cross_entropy";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Reduction reduction;

  std::string attributes() const { return name_of(reduction); }
  Spec infer(const Tensor& logits, const Tensor&) const {
    return {reduction == Reduction::none ? Shape{logits.size(0)} : Shape{}, logits.dtype()};
  }
  void forward(Forward& ctx, const Tensor& logits, const Tensor& q, Tensor& dst) const {
    ctx.save(logits);
    ctx.save(q);
    ctx.save(logits.dtype() == f64 ? run<double>(logits, q, dst) : run<float>(logits, q, dst));
  }
  // diff_logits = diff_rows (Q softmax(logits) - q), diff_q = -diff_rows log_softmax(logits)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor logits = ctx.saved(0), q = ctx.saved(1);
    Tensor rows = diff_dst;
    if (reduction == Reduction::mean) rows = rows / static_cast<double>(logits.size(0));
    if (reduction != Reduction::none) rows = expand(rows, {logits.size(0)});
    if (ctx.needs(0))
      ctx.give(0, apply(SoftCrossEntropyBackward{}, Location::current(), rows, logits, q, ctx.saved(2)));
    if (ctx.needs(1)) ctx.give(1, neg(unsqueeze(rows, 1) * log_softmax(logits, 1)));
  }

 private:
  template <class T>
  Tensor run(const Tensor& logits, const Tensor& targets, Tensor& dst) const {
    const Tensor x = in_line_as(logits, dtype_of<T>), q = in_line_as(targets, dtype_of<T>);
    const std::int64_t rows = x.size(0), columns = x.size(1);
    Tensor log_sums = Tensor::allocate({{rows, 2}, dtype_of<T>}), losses = Tensor::allocate({{rows}, dtype_of<T>});
    T* sums = log_sums.mutable_data<T>();
    T* loss = losses.mutable_data<T>();
    if (columns == 0) losses.zero_();
    if (x.numel() > 0) {
      const T* from = x.data<T>();
      const T* target = q.data<T>();
      softmax_rows::for_rows(rows, columns, [&](std::int64_t i) {
        const T* row = from + i * columns;
        const T* share = target + i * columns;
        const softmax_rows::LogSum<T> sum = softmax_rows::log_sum_exp(row, columns);
        sums[2 * i] = sum.top;
        sums[2 * i + 1] = sum.log;
        loss[i] = softmax_rows::sum_below(row, sum.top, share, columns) + fold::sum_of_row(share, columns) * sum.log;
      });
    }
    if (reduction == Reduction::none) {
      copy_elements(losses, dst);
      return log_sums;
    }
    double total = 0;
    for (std::int64_t i = 0; i < rows; ++i) total += static_cast<double>(loss[i]);
    dst.fill_(reduction == Reduction::mean ? total / static_cast<double>(rows) : total);
    return log_sums;
  }
};

}  // namespace

Tensor soft_cross_entropy(const Tensor& logits, const Tensor& q, Reduction reduction, Location where) {
  return apply(SoftCrossEntropy{reduction}, where, logits, q);
}

}  // namespace dagrad::losses
