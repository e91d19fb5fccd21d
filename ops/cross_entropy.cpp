#include "dagrad/ops/cross_entropy.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/class_targets.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise_loss.h"
#include "dagrad/ops/soft_cross_entropy.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/softmax_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using losses::in_line_as;

/// The attributes of the loss that its gradient needs as well. The target's distribution is
/// q[c] = weight[c] ((1 - smoothing) [c == label] + smoothing / C), and 0 where the label is ignored.
struct Smoothed {
  std::int64_t ignore_index;
  double smoothing;

  /// What the label adds to q, and what each class does, both without weights.
  double peak() const { return 1 - smoothing; }
  double floor(std::int64_t classes) const { return smoothing / static_cast<double>(classes); }

  /// The sums of q over the classes, [N] of `dtype`.
  Tensor masses(const Tensor& labels, const Tensor& weight, std::int64_t classes, DType dtype) const {
    Tensor of_labels = losses::label_weights(labels, weight, ignore_index, dtype);
    if (smoothing == 0) return of_labels;
    const Tensor counted = to(ne(labels, static_cast<double>(ignore_index)), dtype);
    if (!weight.defined()) return of_labels * peak() + counted * (floor(classes) * static_cast<double>(classes));
    return of_labels * peak() + counted * to(sum(to(weight, f64)) * floor(classes), dtype);
  }
};

/// diff_logits[i, c] = diff_rows[i] (Q[i] softmax(logits)[i, c] - q[i, c]) with Q = sum(q, 1)
struct CrossEntropyBackward : Smoothed {
  static constexpr std::string_view name = "cross_entropy_backward";

  Spec infer(const Tensor&, const Tensor& logits, const Tensor&, const Tensor&, const Tensor&) const {
    return logits.spec();
  }
  void forward(Forward& ctx, const Tensor& diff_rows, const Tensor& logits, const Tensor& labels,
               const Tensor& log_sums, const Tensor& weight, Tensor& dst) const {
    for (const Tensor& t : {diff_rows, logits, labels, log_sums, weight}) ctx.save(t);
    const DType compute = logits.dtype() == f64 ? f64 : f32;
    Tensor rows = dst.dtype() == compute ? dst : Tensor::allocate({dst.shape(), compute});
    if (compute == f64)
      run<double>(diff_rows, logits, labels, log_sums, weight, rows);
    else
      run<float>(diff_rows, logits, labels, log_sums, weight, rows);
    if (!rows.is_same(dst)) copy_elements(rows, dst);
  }

  // With r = Q p - q and cotangent h: df/dg = sum(h r, 1), df/dlogits = g Q p (h - sum(h p, 1))
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), labels = ctx.saved(2), weight = ctx.saved(4);
    Tensor logits = ctx.saved(1);
    if (ctx.needs(0)) {
      const Tensor one = ones(g.shape(), g.dtype());
      ctx.give(0, sum(h * apply(*this, Location::current(), one, logits, labels, ctx.saved(3), weight), {1}));
    }
    if (ctx.needs(1)) {
      // Ignored rows are multiplied by 0, which must not meet infinities.
      logits = masked_fill(logits, unsqueeze(eq(labels, static_cast<double>(ignore_index)), 1), 0);
      const Tensor p = exp(log_softmax(logits, 1));
      const Tensor scale = g * masses(labels, weight, logits.size(1), g.dtype());
      ctx.give(1, unsqueeze(scale, 1) * p * (h - sum(h * p, {1}, true)));
    }
  }

 private:
  template <class T>
  void run(const Tensor& diff_rows, const Tensor& logits_in, const Tensor& labels_in, const Tensor& log_sums,
           const Tensor& weight, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const Tensor logits = in_line_as(logits_in, dst.dtype()), labels = contiguous_data(labels_in);
    const Tensor weights = in_line_as(weight, dst.dtype());
    const std::int64_t columns = logits.size(1), step = diff_rows.strides()[0];
    const T* from = logits.data<T>();
    const T* sums = log_sums.data<T>();
    const std::int64_t* label = labels.data<std::int64_t>();
    const T* w = weight.defined() ? weights.data<T>() : nullptr;
    const T at_label = static_cast<T>(peak()), everywhere = static_cast<T>(floor(columns));
    const T total = w == nullptr ? static_cast<T>(columns) : std::accumulate(w, w + columns, T{0});
    T* to = dst.mutable_data<T>();
    visit_dtype(diff_rows.dtype(), [&]<class G>(G) {
      const G* gradient = diff_rows.data<G>();
      softmax_rows::for_rows(logits.size(0), columns, [&](std::int64_t i) {
        T* row = to + i * columns;
        if (label[i] == ignore_index) {
          std::fill_n(row, columns, T{0});
          return;
        }
        const T scale = convert_to<T>(gradient[i * step]);
        const T of_label = w == nullptr ? at_label : at_label * w[label[i]];
        const T mass = smoothing == 0 ? of_label : of_label + everywhere * total;
        softmax_rows::scaled_exp(from + i * columns, {sums[2 * i], sums[2 * i + 1]}, scale * mass, row, columns);
        row[label[i]] -= scale * of_label;
        if (smoothing == 0) return;
        if (w == nullptr) {
          for (std::int64_t c = 0; c < columns; ++c) row[c] -= scale * everywhere;
        } else {
          for (std::int64_t c = 0; c < columns; ++c) row[c] -= scale * everywhere * w[c];
        }
      });
    });
  }
};

/// The losses of the rows. The backward gets ln(sum(e^logits)) of each, in its two parts as [N, 2].
struct CrossEntropy : Smoothed {
  static constexpr std::string_view name = "cross_entropy";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Reduction reduction;

  std::string attributes() const {
    return losses::name_of(reduction) + (smoothing == 0 ? "" : fmt::format(", label_smoothing={}", smoothing));
  }

  Spec infer(const Tensor& logits, const Tensor& labels, const Tensor&) const {
    return {reduction == Reduction::none ? labels.shape() : Shape{}, logits.dtype()};
  }

  // dst[i] = sum_c q[c] (log(sum_j exp(logits[i, j])) - logits[i, c])
  void forward(Forward& ctx, const Tensor& logits, const Tensor& labels, const Tensor& weight, Tensor& dst) const {
    ctx.save(logits);
    ctx.save(labels);
    ctx.save(logits.dtype() == f64 ? run<double>(logits, labels, weight, dst)
                                   : run<float>(logits, labels, weight, dst));
    ctx.save(weight);
  }

  // diff_logits = diff_dst (Q softmax(logits) - q), q being the smoothed and weighted target and Q its sum over classes
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!ctx.needs(0)) return;
    const Tensor logits = ctx.saved(0), labels = ctx.saved(1), weight = ctx.saved(3);
    Tensor rows = diff_dst;
    if (reduction == Reduction::mean)
      rows = losses::divided_by_label_weight(rows, labels, weight, ignore_index, Location::current());
    if (reduction != Reduction::none) rows = expand(rows, {logits.size(0)});
    ctx.give(0, apply(CrossEntropyBackward{{ignore_index, smoothing}}, Location::current(), rows, logits, labels,
                      ctx.saved(2), weight));
  }

 private:
  template <class T>
  Tensor run(const Tensor& logits_in, const Tensor& labels_in, const Tensor& weight, Tensor& dst) const {
    const Tensor labels = contiguous_data(labels_in), weights = in_line_as(weight, dtype_of<T>);
    const std::int64_t rows = logits_in.size(0), columns = logits_in.size(1);
    Tensor log_sums = Tensor::allocate({{rows, 2}, dtype_of<T>}), losses = Tensor::allocate({{rows}, dtype_of<T>});
    T* sums = log_sums.mutable_data<T>();
    T* loss = losses.mutable_data<T>();
    if (logits_in.numel() > 0) {
      const Tensor logits = in_line_as(logits_in, dtype_of<T>);
      const T* from = logits.data<T>();
      const std::int64_t* label = labels.data<std::int64_t>();
      const T* w = weight.defined() ? weights.data<T>() : nullptr;
      const T at_label = static_cast<T>(peak()), everywhere = static_cast<T>(floor(columns));
      const T total = w == nullptr ? static_cast<T>(columns) : std::accumulate(w, w + columns, T{0});
      softmax_rows::for_rows(rows, columns, [&](std::int64_t i) {
        loss[i] = sums[2 * i] = sums[2 * i + 1] = 0;
        if (label[i] == ignore_index) return;
        const T* row = from + i * columns;
        const softmax_rows::LogSum<T> sum = softmax_rows::log_sum_exp(row, columns);
        sums[2 * i] = sum.top;
        sums[2 * i + 1] = sum.log;
        const T of_label = w == nullptr ? at_label : at_label * w[label[i]];
        if (of_label != 0) loss[i] = of_label * (sum.top - row[label[i]] + sum.log);
        if (smoothing != 0)
          loss[i] += everywhere * (softmax_rows::sum_below(row, sum.top, w, columns) + total * sum.log);
      });
    }
    if (reduction == Reduction::none) {
      copy_elements(losses, dst);
      return log_sums;
    }
    double total = 0;
    for (std::int64_t i = 0; i < rows; ++i) total += static_cast<double>(loss[i]);
    dst.fill_(reduction == Reduction::mean ? total / losses::total_label_weight(labels, weight, ignore_index) : total);
    return log_sums;
  }
};

void check_probabilities(const Tensor& logits, const Tensor& target) {
  if (target.shape() != logits.shape()) {
    throw ShapeError(
        fmt::format("cross_entropy: target is {} of {}, logits are {} (want class probabilities of {}, or class "
                    "indices of i64 and {})",
                    target.shape().str(), name_of(target.dtype()), logits.shape().str(), logits.shape().str(),
                    losses::sample_shape(logits).str()));
  }
  if (!same_type(target, logits)) {
    throw DTypeError(fmt::format("cross_entropy: element types differ: {} and {} (want one type; cast with to())",
                                 name_of(logits.dtype()), name_of(target.dtype())));
  }
}

/// The losses of the samples, or with `reduction` all of them, for targets of either kind.
Tensor reduced(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options, Reduction reduction,
               Location where) {
  const Tensor rows = losses::as_rows(logits, where);
  if (!is_floating(target.dtype())) {
    const Tensor labels = target.dim() == 1 ? target : reshape(target, {target.numel()}, where);
    return apply(CrossEntropy{{options.ignore_index, options.label_smoothing}, reduction}, where, rows, labels,
                 options.weight);
  }
  Tensor q = losses::as_rows(target, where);
  if (options.label_smoothing != 0) {
    const double share = options.label_smoothing / static_cast<double>(rows.size(1));
    q = add(mul(q, 1 - options.label_smoothing, where), share, where);
  }
  if (options.weight.defined()) q = mul(q, options.weight, where);
  return losses::soft_cross_entropy(rows, q, reduction, where);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options, Location where) {
  constexpr std::string_view op = "cross_entropy";
  losses::check_classes(op, "logits", logits);
  const bool probabilities = is_floating(target.dtype());
  if (probabilities)
    check_probabilities(logits, target);
  else
    losses::check_class_indices(op, "logits", logits, target, options.ignore_index);
  losses::check_class_weight(op, "logits", logits, options.weight);
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1)) {
    throw UsageError(
        fmt::format("cross_entropy: label_smoothing is {} (want 0 <= label_smoothing <= 1)", options.label_smoothing));
  }
  if (!probabilities) losses::check_constant(op, "weight", options.weight);

  if (!options.sample_weight.defined() && options.reduction != Reduction::none)
    return reduced(logits, target, options, options.reduction, where);
  const Shape shape = losses::sample_shape(logits);
  Tensor each = reduced(logits, target, options, Reduction::none, where);
  if (each.shape() != shape) each = reshape(each, shape, where);
  const Tensor labels = probabilities ? Tensor() : target;
  return losses::weighted_by_sample(op, each, labels, options.weight, options.ignore_index, options.reduction,
                                    options.sample_weight, where);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction, Location where) {
  return cross_entropy(logits, target, {.reduction = reduction}, where);
}

}  // namespace dagrad
