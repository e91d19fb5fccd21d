#include "dagrad/ops/pointwise_loss.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/view.h"

namespace dagrad::losses {
namespace {

/// `t` in line with tensors of `shape`: as it is where its elements repeat over those of `shape`, else spread out.
Tensor repeating(const Tensor& t, const Shape& shape) {
  if (!t.defined() || t.numel() == 1) return t;
  bool repeats = true;
  for (int i = 0; i < t.dim(); ++i) {
    const int lead = shape.rank() - t.dim();
    repeats = repeats && (t.shape()[i] == shape[lead + i] ||
                          std::all_of(t.shape().begin(), t.shape().begin() + i + 1, [](auto n) { return n == 1; }));
  }
  if (repeats) return contiguous_data(t);
  return contiguous_data(t.alias(shape, broadcast_strides(t.shape(), t.strides(), shape), t.offset()));
}

/// diff_dst in line, or as a single number where it is one (an expanded scalar).
Tensor in_line(const Tensor& diff_dst) {
  const Strides& strides = diff_dst.strides();
  const bool repeats =
      diff_dst.numel() > 1 && std::all_of(strides.begin(), strides.end(), [](auto s) { return s == 0; });
  return repeats ? diff_dst.alias({}, {}, diff_dst.offset()) : contiguous_data(diff_dst);
}

}  // namespace

std::string name_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::none: return "reduction=none";
    case Reduction::mean: return "reduction=mean";
    case Reduction::sum: break;
  }
  return "reduction=sum";
}

void check_pair(std::string_view op, const Tensor& input, const Tensor& target) {
  if (!is_floating(input.dtype()))
    throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, dagrad::name_of(input.dtype())));
  if (!same_type(target, input)) {
    throw DTypeError(fmt::format("{}: element types differ: {} and {} (want one type; cast with to())", op,
                                 dagrad::name_of(input.dtype()), dagrad::name_of(target.dtype())));
  }
  if (target.shape() != input.shape()) {
    throw ShapeError(fmt::format("{}: target is {}, input is {} (want equal shapes)", op, target.shape().str(),
                                 input.shape().str()));
  }
}

void check_broadcasts(std::string_view op, std::string_view what, const Tensor& t, std::string_view of,
                      const Shape& shape) {
  bool fits = t.dim() <= shape.rank();
  for (int i = 0; fits && i < t.dim(); ++i)
    fits = t.shape()[i] == 1 || t.shape()[i] == shape[shape.rank() - t.dim() + i];
  if (!fits) {
    throw ShapeError(fmt::format("{}: {} is {}, {} {} (want {} to broadcast to it)", op, what, t.shape().str(), of,
                                 shape.str(), what));
  }
}

Tensor reduce(std::string_view op, const Tensor& losses, Reduction reduction, const Tensor& weight, Location where) {
  if (!weight.defined()) {
    return reduction == Reduction::none   ? losses
           : reduction == Reduction::mean ? mean(losses, {}, false, where)
                                          : sum(losses, {}, false, where);
  }
  check_broadcasts(op, "weight", weight, "losses are", losses.shape());
  Tensor weighted = mul(losses, weight, where);
  if (reduction == Reduction::none) return weighted;
  const Tensor total = sum(weighted, {}, false, where);
  return reduction == Reduction::sum ? total
                                     : div(total, sum(expand(weight, losses.shape(), where), {}, false, where), where);
}

void forward(Formula f, double number, Reduction reduction, const Operands& in, Tensor& dst) {
  const Tensor x = contiguous_data(in.x), y = contiguous_data(in.y), weight = repeating(in.weight, x.shape());
  if (reduction == Reduction::none) return values(f, number, {x, y, weight}, dst);
  const double sum = total(f, number, {x, y, weight});
  dst.fill_(reduction == Reduction::mean ? sum / static_cast<double>(x.numel()) : sum);
}

void backward(Formula f, By by, double number, double scale, const Tensor& diff_dst, const Operands& in, Tensor& dst) {
  if (dst.numel() == 0) return;
  const Tensor x = contiguous_data(in.x), y = contiguous_data(in.y), weight = repeating(in.weight, x.shape());
  gradient(f, by, number, scale, in_line(diff_dst), {x, y, weight}, dst);
}

}  // namespace dagrad::losses
