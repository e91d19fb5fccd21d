#include "dagrad/core/copy.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/class_targets.h"
#include "dagrad/ops/cross_entropy.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// The attribute that both have: `use(row, label, weight)` for the labels that count.
struct Counted {
  std::int64_t ignore_index;

  template <class T, class Use>
  void each(const Tensor& labels_in, const Tensor& weight, const Use& use) const {
    const Tensor labels = contiguous_data(labels_in), weights = losses::in_line_as(weight, dtype_of<T>);
    const std::int64_t* label = labels.data<std::int64_t>();
    const T* w = weight.defined() ? weights.data<T>() : nullptr;
    for (std::int64_t i = 0; i < labels.numel(); ++i) {
      if (label[i] != ignore_index) use(i, label[i], w == nullptr ? T{1} : w[label[i]]);
    }
  }
};

/// diff_x[i, c] = -diff_rows[i] weight[c] where c is the label, else 0: nll_loss transposed.
struct NllLossBackward : Counted {
  static constexpr std::string_view name = "nll_loss_backward";
  std::int64_t classes;

  Spec infer(const Tensor& diff_rows, const Tensor& labels, const Tensor&) const {
    return {{labels.numel(), classes}, diff_rows.dtype()};
  }
  void forward(Forward& ctx, const Tensor& diff_rows, const Tensor& labels, const Tensor& weight, Tensor& dst) const {
    ctx.save(labels);
    ctx.save(weight);
    dst.zero_();
    visit_dtype(dst.dtype(), [&]<class T>(T) {
      if constexpr (is_floating(dtype_of<T>)) {
        using C = std::conditional_t<std::is_same_v<T, double>, double, float>;
        const T* g = diff_rows.data<T>();
        T* to = dst.mutable_data<T>();
        const std::int64_t step = diff_rows.strides()[0];
        each<C>(labels, weight, [&](std::int64_t i, std::int64_t label, C w) {
          to[i * classes + label] = convert_to<T>(-w * convert_to<C>(g[i * step]));
        });
      }
    });
  }
  void backward(Backward& ctx, const Tensor& h) const;
};

/// dst[i] = -weight[label[i]] x[i, label[i]], and 0 where the label is ignored.
struct NllLoss : Counted {
  static constexpr std::string_view name = "nll_loss";
  static constexpr AutocastRule autocast = AutocastRule::f32;

  Spec infer(const Tensor& x, const Tensor& labels, const Tensor&) const { return {labels.shape(), x.dtype()}; }
  void forward(Forward& ctx, const Tensor& x, const Tensor& labels, const Tensor& weight, Tensor& dst) const {
    ctx.save(labels);
    ctx.save(weight);
    dst.zero_();
    visit_dtype(dst.dtype(), [&]<class T>(T) {
      if constexpr (is_floating(dtype_of<T>)) {
        using C = std::conditional_t<std::is_same_v<T, double>, double, float>;
        const T* from = x.data<T>();
        T* to = dst.mutable_data<T>();
        const std::int64_t step = x.strides()[0], column = x.strides()[1];
        each<C>(labels, weight, [&](std::int64_t i, std::int64_t label, C w) {
          if (w != 0) to[i] = convert_to<T>(-w * convert_to<C>(from[i * step + label * column]));
        });
      }
    });
  }
  // It is linear: diff_x = -diff_dst[i] weight[c] at the label
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const std::int64_t classes = ctx.input_shape(0)[1];
    ctx.give(
        0, apply(NllLossBackward{{ignore_index}, classes}, Location::current(), diff_dst, ctx.saved(0), ctx.saved(1)));
  }
};

// It is linear and nll_loss transposed: df/dg = nll_loss(h)
void NllLossBackward::backward(Backward& ctx, const Tensor& h) const {
  ctx.give(0, apply(NllLoss{{ignore_index}}, Location::current(), h, ctx.saved(0), ctx.saved(1)));
}

}  // namespace

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllLossOptions& options, Location where) {
  constexpr std::string_view op = "nll_loss", what = "log_probabilities";
  losses::check_classes(op, what, log_probabilities);
  losses::check_class_indices(op, what, log_probabilities, target, options.ignore_index);
  losses::check_class_weight(op, what, log_probabilities, options.weight);
  losses::check_constant(op, "weight", options.weight);

  const Tensor labels = target.dim() == 1 ? target : reshape(target, {target.numel()}, where);
  Tensor each =
      apply(NllLoss{{options.ignore_index}}, where, losses::as_rows(log_probabilities, where), labels, options.weight);
  if (each.shape() != target.shape()) each = reshape(each, target.shape(), where);
  return losses::weighted_by_sample(op, each, target, options.weight, options.ignore_index, options.reduction,
                                    options.sample_weight, where);
}

}  // namespace dagrad
