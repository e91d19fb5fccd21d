#include "dagrad/ops/class_targets.h"

#include <array>
#include <fmt/format.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/each_replay_on.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/index_at.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/pointwise_loss.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad::losses {
namespace {

/// `3` of a vector, `[0, 3]` of anything else.
std::string position(std::int64_t i, const Shape& shape) {
  return shape.rank() == 1 ? std::to_string(i) : index_at(shape, i).str();
}

/// Calls `use(i, weight)` for each label, with the weight as label_weights() has it.
template <class Use>
void for_labels(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index, const Use& use) {
  const Tensor line = contiguous_data(labels), weights = in_line_as(weight, f64);
  const std::int64_t* label = line.data<std::int64_t>();
  const double* w = weights.defined() ? weights.data<double>() : nullptr;
  for (std::int64_t i = 0; i < line.numel(); ++i)
    use(i, label[i] == ignore_index ? 0.0 : w == nullptr ? 1.0 : w[label[i]]);
}

void write_label_weights(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index, Tensor& dst) {
  visit_dtype(dst.dtype(), [&]<class T>(T) {
    T* to = dst.mutable_data<T>();
    for_labels(labels, weight, ignore_index, [&](std::int64_t i, double w) { to[i] = convert_to<T>(w); });
  });
}

}  // namespace

void check_classes(std::string_view op, std::string_view what, const Tensor& logits) {
  if (!is_floating(logits.dtype()))
    throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, name_of(logits.dtype())));
  if (logits.dim() == 0) throw ShapeError(fmt::format("{}: {} are [] (want [C], [N, C] or [N, C, d1, ...])", op, what));
}

Shape sample_shape(const Tensor& logits) {
  Shape shape = logits.shape();
  shape.erase(logits.dim() == 1 ? 0 : 1);
  return shape;
}

void check_class_indices(std::string_view op, std::string_view what, const Tensor& logits, const Tensor& target,
                         std::int64_t ignore_index) {
  if (target.dtype() != i64)
    throw DTypeError(fmt::format("{}: target is {} (want class indices of i64)", op, name_of(target.dtype())));
  const Shape want = sample_shape(logits);
  if (target.shape() != want) {
    throw ShapeError(fmt::format("{}: target is {}, {} are {} (want target of {})", op, target.shape().str(), what,
                                 logits.shape().str(), want.str()));
  }
  const std::int64_t classes = logits.size(logits.dim() == 1 ? 0 : 1);
  const auto check = [op, classes, ignore_index](const Tensor& t) {
    const Tensor labels = contiguous_data(t);
    const std::int64_t* label = labels.data<std::int64_t>();
    for (std::int64_t i = 0; i < labels.numel(); ++i) {
      if ((label[i] >= 0 && label[i] < classes) || label[i] == ignore_index) continue;
      throw UsageError(
          fmt::format("{}: label {} at index {} (want 0 to {})", op, label[i], position(i, t.shape()), classes - 1));
    }
  };
  each_replay_on(op, {&target, 1}, {}, [check](auto in, auto) { check(in[0]); });
}

void check_class_weight(std::string_view op, std::string_view what, const Tensor& logits, const Tensor& weight) {
  if (!weight.defined()) return;
  const std::int64_t classes = logits.size(logits.dim() == 1 ? 0 : 1);
  if (weight.shape() != Shape{classes}) {
    throw ShapeError(fmt::format("{}: weight is {}, {} are {} (want weight of [{}])", op, weight.shape().str(), what,
                                 logits.shape().str(), classes));
  }
  if (!same_type(weight, logits)) {
    throw DTypeError(fmt::format("{}: weight is {}, {} are {} (want one type; cast with to())", op,
                                 name_of(weight.dtype()), what, name_of(logits.dtype())));
  }
}

void check_constant(std::string_view op, std::string_view what, const Tensor& t) {
  if (!t.requires_grad() || !grad_enabled()) return;
  throw GradientError(fmt::format(
      "{}: {} requires a gradient, which class indices do not give it (want a constant: detach it)", op, what));
}

Tensor as_rows(const Tensor& logits, Location where) {
  if (logits.dim() == 2) return logits;
  if (logits.dim() == 1) return unsqueeze(logits, 0, where);
  std::vector<std::int64_t> order{0};
  for (int axis = 2; axis < logits.dim(); ++axis) order.push_back(axis);
  order.push_back(1);
  const std::int64_t classes = logits.size(1);
  std::int64_t rows = 1;
  for (const std::int64_t n : sample_shape(logits)) rows *= n;
  return reshape(permute(logits, order, where), {rows, classes}, where);
}

Tensor in_line_as(const Tensor& t, DType dtype) {
  if (!t.defined() || t.dtype() == dtype) return t.defined() ? contiguous_data(t) : t;
  Tensor result = Tensor::allocate({t.shape(), dtype});
  copy_elements(t, result);
  return result;
}

Tensor label_weights(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index, DType dtype) {
  Tensor result = Tensor::allocate({labels.shape(), dtype});
  each_replay_on("label_weights", std::array{labels, weight}, {&result, 1},
                 [=](auto in, auto out) { write_label_weights(in[0], in[1], ignore_index, out[0]); });
  return result;
}

Tensor divided_by_label_weight(const Tensor& t, const Tensor& labels, const Tensor& weight, std::int64_t ignore_index,
                               Location where) {
  if (!watched(Watch::capture)) [[likely]]
    return div(t, total_label_weight(labels, weight, ignore_index), where);
  // In a replay the labels are others, and with them their number.
  Tensor total = Tensor::allocate({{}, t.dtype()});
  Capture::on("total_label_weight", std::array{labels, weight}, {&total, 1},
              [=](auto in, auto out) { out[0].fill_(total_label_weight(in[0], in[1], ignore_index)); });
  return div(t, total, where);
}

Tensor weighted_by_sample(std::string_view op, const Tensor& losses, const Tensor& labels, const Tensor& weight,
                          std::int64_t ignore_index, Reduction reduction, const Tensor& sample_weight, Location where) {
  Tensor weighted = losses;
  if (sample_weight.defined()) {
    check_broadcasts(op, "sample_weight", sample_weight, "losses are", losses.shape());
    weighted = mul(losses, sample_weight, where);
  }
  if (reduction == Reduction::none) return weighted;
  Tensor total = sum(weighted, {}, false, where);
  if (reduction == Reduction::sum) return total;
  if (!sample_weight.defined()) {
    if (!labels.defined()) return div(total, static_cast<double>(losses.numel()), where);
    return divided_by_label_weight(total, labels, weight, ignore_index, where);
  }
  Tensor shares = expand(sample_weight, losses.shape(), where);
  if (labels.defined()) shares = mul(shares, label_weights(labels, weight, ignore_index, losses.dtype()), where);
  return div(total, sum(shares, {}, false, where), where);
}

double total_label_weight(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index) {
  double total = 0;
  for_labels(labels, weight, ignore_index, [&](std::int64_t, double w) { total += w; });
  return total;
}

}  // namespace dagrad::losses
