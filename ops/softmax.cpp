#include "dagrad/ops/softmax.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements of logits that are worth a thread (an exp costs about 0.1 ns)
constexpr std::int64_t kPrimitiveFrom = 16
                                        << 10;  // elements from which oneDNN's log-softmax is as fast as the row loop

void check_floating(std::string_view op, const Tensor& t) {
  if (!is_floating(t.dtype())) throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, name_of(t.dtype())));
}

/// Splits rows over threads; each row is one thread's, so results do not depend on their number.
void for_rows(std::int64_t rows, std::int64_t columns, const auto& body) {
  if (rows * columns <= kGrain) {
    for (std::int64_t i = 0; i < rows; ++i) body(i);
    return;
  }
  parallel_for(rows, std::max<std::int64_t>(1, kGrain / columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

/// A copy of `t` in which `axis` is the last and lies in line, as f32 or f64; and back.
Tensor axis_last(const Tensor& t, int axis, DType dtype) {
  Shape shape = t.shape();
  Strides strides = t.strides();
  std::swap(shape[axis], shape[shape.rank() - 1]);
  std::swap(strides[axis], strides[shape.rank() - 1]);
  Tensor view = t.alias(shape, strides, t.offset());
  if (view.is_contiguous() && t.dtype() == dtype) return view;
  Tensor copy = Tensor::allocate({shape, dtype});
  copy_elements(view, copy);
  return copy;
}

void axis_back(const Tensor& rows, int axis, Tensor& dst) {
  Shape shape = dst.shape();
  Strides strides = dst.strides();
  std::swap(shape[axis], shape[shape.rank() - 1]);
  std::swap(strides[axis], strides[shape.rank() - 1]);
  Tensor view = dst.alias(shape, strides, dst.offset());
  copy_elements(rows, view);
}

/// dst = log_softmax(src) along the last axis of row-major tensors.
template <class T>
void log_softmax_rows(const Tensor& src, Tensor& dst) {
  const std::int64_t columns = src.size(-1);
  const T* from = src.data<T>();
  T* to = dst.mutable_data<T>();
  for_rows(src.numel() / columns, columns, [&](std::int64_t i) {
    const T* row = from + i * columns;
    softmax_rows::subtract(row, softmax_rows::log_sum_exp(row, columns), to + i * columns, columns);
  });
}

/// diff_src = diff_dst - exp(dst) sum(diff_dst) along the last axis of row-major tensors.
template <class T>
void log_softmax_backward_rows(const Tensor& dst, const Tensor& diff_dst, Tensor& diff_src) {
  const std::int64_t columns = dst.size(-1);
  const T* y = dst.data<T>();
  const T* g = diff_dst.data<T>();
  T* to = diff_src.mutable_data<T>();
  for_rows(dst.numel() / columns, columns, [&](std::int64_t i) {
    T total = 0;
    for (std::int64_t j = 0; j < columns; ++j) total += g[i * columns + j];
    T* row = to + i * columns;
    softmax_rows::scaled_exp(y + i * columns, {0, 0}, total, row, columns);
    for (std::int64_t j = 0; j < columns; ++j) row[j] = g[i * columns + j] - row[j];
  });
}

struct LogSoftmaxBackward {
  static constexpr std::string_view name = "log_softmax_backward";
  int axis;

  Spec infer(const Tensor& diff_dst, const Tensor&) const { return diff_dst.spec(); }
  // diff_src = diff_dst - exp(dst) sum(diff_dst, axis)
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& dst, Tensor& diff_src) const {
    ctx.save(diff_dst);
    ctx.save(dst);
    if (diff_src.numel() == 0) return;
    if (dst.dtype() != f64 && dst.numel() >= kPrimitiveFrom) {
      return onednn::log_softmax_backward(contiguous_data(dst), contiguous_data(diff_dst), axis, diff_src);
    }
    const DType compute = dst.dtype() == f64 ? f64 : f32;
    const Tensor y = axis_last(dst, axis, compute), g = axis_last(diff_dst, axis, compute);
    Tensor rows = Tensor::allocate(y.spec());
    if (compute == f64)
      log_softmax_backward_rows<double>(y, g, rows);
    else
      log_softmax_backward_rows<float>(y, g, rows);
    axis_back(rows, axis, diff_src);
  }
  // f = g - e^y s with s = sum(g): with cotangent h, df/dg = h - sum(h e^y), df/dy = -h e^y s
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), p = exp(ctx.saved(1));
    if (ctx.needs(0)) ctx.give(0, h - sum(h * p, {axis}, true));
    if (ctx.needs(1)) ctx.give(1, neg(h * p * sum(g, {axis}, true)));
  }
};

struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  int axis;

  std::string attributes() const { return fmt::format("axis={}", axis); }
  Spec infer(const Tensor& src) const {
    check_floating(name, src);
    return src.spec();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(dst);
    if (dst.numel() == 0) return;
    if (src.dtype() != f64 && src.numel() >= kPrimitiveFrom)
      return onednn::log_softmax(contiguous_data(src), axis, dst);
    const Tensor rows = axis_last(src, axis, src.dtype() == f64 ? f64 : f32);
    Tensor result = axis == src.dim() - 1 && dst.dtype() == rows.dtype() ? dst : Tensor::allocate(rows.spec());
    if (rows.dtype() == f64)
      log_softmax_rows<double>(rows, result);
    else
      log_softmax_rows<float>(rows, result);
    if (!result.is_same(dst)) axis_back(result, axis, dst);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(LogSoftmaxBackward{axis}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

// --- cross-entropy ---

/// diff_logits[i, j] = diff_rows[i] (softmax(logits)[i, j] - [j == target[i]])
struct CrossEntropyBackward {
  static constexpr std::string_view name = "cross_entropy_backward";

  Spec infer(const Tensor&, const Tensor& logits, const Tensor&, const Tensor&) const { return logits.spec(); }
  void forward(Forward& ctx, const Tensor& diff_rows, const Tensor& logits, const Tensor& target,
               const Tensor& log_sums, Tensor& dst) const {
    for (const Tensor& t : {diff_rows, logits, target, log_sums}) ctx.save(t);
    const DType compute = logits.dtype() == f64 ? f64 : f32;
    Tensor rows = dst.dtype() == compute ? dst : Tensor::allocate({dst.shape(), compute});
    if (compute == f64)
      run<double>(diff_rows, logits, target, log_sums, rows);
    else
      run<float>(diff_rows, logits, target, log_sums, rows);
    if (!rows.is_same(dst)) copy_elements(rows, dst);
  }

  // With r = p - onehot and cotangent H: df/dg = sum(H r, 1), df/dlogits = g p (H - sum(H p, 1))
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), logits = ctx.saved(1);
    if (ctx.needs(0)) {
      const Tensor one = ones(g.shape(), g.dtype());
      ctx.give(0, sum(h * apply(*this, Location::current(), one, logits, ctx.saved(2), ctx.saved(3)), {1}));
    }
    if (ctx.needs(1)) {
      const Tensor p = exp(log_softmax(logits, 1));
      ctx.give(1, unsqueeze(g, 1) * p * (h - sum(h * p, {1}, true)));
    }
  }

 private:
  template <class T>
  static void run(const Tensor& diff_rows, const Tensor& logits_in, const Tensor& target, const Tensor& log_sums,
                  Tensor& dst) {
    if (dst.numel() == 0) return;
    const Tensor logits = axis_last(logits_in, 1, dst.dtype());
    const Tensor labels = contiguous_data(target);
    const std::int64_t columns = logits.size(1), step = diff_rows.strides()[0];
    const T* from = logits.data<T>();
    const T* sums = log_sums.data<T>();
    const std::int64_t* label = labels.data<std::int64_t>();
    T* to = dst.mutable_data<T>();
    visit_dtype(diff_rows.dtype(), [&]<class G>(G) {
      const G* gradient = diff_rows.data<G>();
      for_rows(logits.size(0), columns, [&](std::int64_t i) {
        const T scale = convert_to<T>(gradient[i * step]);
        T* row = to + i * columns;
        softmax_rows::scaled_exp(from + i * columns, {sums[2 * i], sums[2 * i + 1]}, scale, row, columns);
        row[label[i]] -= scale;
      });
    });
  }
};

/// The losses of the rows. The backward gets log(sum(exp(logits))) of each, in its two parts as [N, 2].
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  Reduction reduction;

  std::string attributes() const {
    return reduction == Reduction::none   ? "reduction=none"
           : reduction == Reduction::mean ? "reduction=mean"
                                          : "reduction=sum";
  }

  Spec infer(const Tensor& logits, const Tensor& target) const {
    check_floating(name, logits);
    if (logits.dim() != 2)
      throw ShapeError(fmt::format("cross_entropy: logits are {} (want [N, C])", logits.shape().str()));
    if (target.dtype() != i64)
      throw DTypeError(fmt::format("cross_entropy: target is {} (want class indices of i64)", name_of(target.dtype())));
    if (target.shape() != Shape{logits.size(0)}) {
      throw ShapeError(fmt::format("cross_entropy: target is {}, logits are {} (want target of [{}])",
                                   target.shape().str(), logits.shape().str(), logits.size(0)));
    }
    const Tensor labels = contiguous_data(target);
    for (std::int64_t i = 0; i < labels.numel(); ++i) {
      const std::int64_t label = labels.data<std::int64_t>()[i];
      if (label < 0 || label >= logits.size(1)) {
        throw UsageError(
            fmt::format("cross_entropy: label {} at index {} (want 0 to {})", label, i, logits.size(1) - 1));
      }
    }
    return {reduction == Reduction::none ? target.shape() : Shape{}, logits.dtype()};
  }

  // dst[i] = log(sum_j exp(logits[i, j])) - logits[i, target[i]]
  void forward(Forward& ctx, const Tensor& logits, const Tensor& target, Tensor& dst) const {
    ctx.save(logits);
    ctx.save(target);
    ctx.save(logits.dtype() == f64 ? run<double>(logits, target, dst) : run<float>(logits, target, dst));
  }

  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!ctx.needs(0)) return;
    const Tensor logits = ctx.saved(0);
    Tensor rows = diff_dst;
    if (reduction == Reduction::mean) rows = rows / static_cast<double>(logits.size(0));
    if (reduction != Reduction::none) rows = expand(rows, {logits.size(0)});
    ctx.give(0, apply(CrossEntropyBackward{}, Location::current(), rows, logits, ctx.saved(1), ctx.saved(2)));
  }

 private:
  template <class T>
  Tensor run(const Tensor& logits_in, const Tensor& target, Tensor& dst) const {
    const Tensor labels = contiguous_data(target);
    const std::int64_t rows = logits_in.size(0), columns = logits_in.size(1);
    Tensor log_sums = Tensor::allocate({{rows, 2}, dtype_of<T>}), losses = Tensor::allocate({{rows}, dtype_of<T>});
    T* sums = log_sums.mutable_data<T>();
    T* loss = losses.mutable_data<T>();
    if (logits_in.numel() > 0) {
      const Tensor logits = axis_last(logits_in, 1, dtype_of<T>);
      const T* from = logits.data<T>();
      const std::int64_t* label = labels.data<std::int64_t>();
      for_rows(rows, columns, [&](std::int64_t i) {
        const softmax_rows::LogSum<T> sum = softmax_rows::log_sum_exp(from + i * columns, columns);
        sums[2 * i] = sum.top;
        sums[2 * i + 1] = sum.log;
        loss[i] = sum.top - from[i * columns + label[i]] + sum.log;
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

Tensor log_softmax(const Tensor& src, std::int64_t axis, Location where) {
  const int at = normalize_axis("log_softmax", axis, src.dim());
  if (src.dim() == 0) return squeeze(log_softmax(unsqueeze(src, 0, where), 0, where), 0, where);
  return apply(LogSoftmax{at}, where, src);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction, Location where) {
  return apply(CrossEntropy{reduction}, where, logits, target);
}

}  // namespace dagrad
