#include "dagrad/ops/binary_cross_entropy.h"

#include <atomic>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise_loss.h"

namespace dagrad {
namespace {

using losses::By;
using losses::Formula;
using losses::PointwiseLoss;
using losses::PointwiseLossBackward;

/// NaN passes: the loss shows it.
template <class T>
bool outside(T x) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return outside(static_cast<float>(x));
  else
    return x < T{0} || x > T{1};
}

template <class T>
bool any_outside(const T* x, std::int64_t count) {
  constexpr std::int64_t kGrain = 64 << 10;
  std::atomic<unsigned> found = 0;
  const auto look = [&](std::int64_t begin, std::int64_t end) {
    unsigned here = 0;  // without a way out of the loop, so that it vectorises
    for (std::int64_t i = begin; i < end; ++i) here |= static_cast<unsigned>(outside(x[i]));
    if (here != 0) found = 1;
  };
  if (count <= kGrain)
    look(0, count);
  else
    parallel_for(count, kGrain, look);
  return found != 0;
}

void check_probabilities(std::string_view op, const Tensor& input) {
  const Tensor line = contiguous_data(input);
  visit_dtype(line.dtype(), [&]<class T>(T) {
    if constexpr (is_floating(dtype_of<T>)) {
      const T* x = line.data<T>();
      if (!any_outside(x, line.numel())) return;
      std::int64_t at = 0;
      while (!outside(x[at])) ++at;
      throw UsageError(
          fmt::format("{}: input {} at index {} (want probabilities, 0 to 1; for logits there is "
                      "binary_cross_entropy_with_logits)",
                      op, convert_to<double>(x[at]), index_at(input.shape(), at).str()));
    }
  });
}

struct BinaryCrossEntropyBackward : PointwiseLossBackward<BinaryCrossEntropyBackward, Formula::cross_entropy> {
  static constexpr std::string_view name = "binary_cross_entropy_backward";
  // d2/dx2 = y / x^2 + (1 - y) / (1 - x)^2, d2/dxdy = -1 / (x (1 - x)), d2/dy2 = 0
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor& y, const Tensor&) const {
    if (by == By::target && other == By::target) return {};
    if (by != other) return neg(v / (x * (1 - x)));
    return v * (y / square(x) + (1 - y) / square(1 - x));
  }
};
struct BinaryCrossEntropy : PointwiseLoss<BinaryCrossEntropy, Formula::cross_entropy, BinaryCrossEntropyBackward> {
  static constexpr std::string_view name = "binary_cross_entropy";

  Spec infer(const Tensor& x, const Tensor& y, const Tensor& w) const {
    const Spec spec = PointwiseLoss::infer(x, y, w);
    check_probabilities(name, x);
    return spec;
  }
};

struct LogitsCrossEntropyBackward : PointwiseLossBackward<LogitsCrossEntropyBackward, Formula::logits_cross_entropy> {
  static constexpr std::string_view name = "binary_cross_entropy_with_logits_backward";
  // With s = sigmoid(x): d2/dx2 = (w y + 1 - y) s (1 - s), d2/dxdy = -w (1 - s) - s, d2/dy2 = 0
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor& y, const Tensor& w) const {
    if (by == By::target && other == By::target) return {};
    if (by != other) return w.defined() ? neg(v * (w * sigmoid(neg(x)) + sigmoid(x))) : neg(v);
    const Tensor variance = v * sigmoid(x) * sigmoid(neg(x));
    return w.defined() ? variance * (w * y + (1 - y)) : variance;
  }
  // d2/dxdw = -y (1 - s), d2/dydw = softplus(-x)
  Tensor second_by_weight(const Tensor& v, const Tensor& x, const Tensor& y) const {
    return by == By::input ? neg(v * y * sigmoid(neg(x))) : v * softplus(neg(x));
  }
};
struct LogitsCrossEntropy
    : PointwiseLoss<LogitsCrossEntropy, Formula::logits_cross_entropy, LogitsCrossEntropyBackward> {
  static constexpr std::string_view name = "binary_cross_entropy_with_logits";

  Spec infer(const Tensor& x, const Tensor& y, const Tensor& w) const {
    const Spec spec = PointwiseLoss::infer(x, y, w);
    if (w.defined()) {
      losses::check_broadcasts(name, "pos_weight", w, "logits are", x.shape());
      if (w.dtype() != x.dtype()) {
        throw DTypeError(fmt::format("{}: pos_weight is {}, logits are {} (want one type; cast with to())", name,
                                     name_of(w.dtype()), name_of(x.dtype())));
      }
    }
    return spec;
  }
  // d/dw = y softplus(-x)
  static Tensor by_weight(const Tensor& diff_dst, const Tensor& x, const Tensor& y) {
    return diff_dst * y * softplus(neg(x));
  }
};

/// Runs `op` with weights as PyTorch takes them here.
template <class Op>
Tensor weighted(Op op, const Tensor& input, const Tensor& target, const Tensor& pos_weight, Reduction reduction,
                const Tensor& weight, Location where) {
  op.reduction = weight.defined() ? Reduction::none : reduction;
  Tensor result = apply(op, where, input, target, pos_weight);
  if (!weight.defined()) return result;
  const Tensor each = losses::reduce(Op::name, result, Reduction::none, weight, where);
  return losses::reduce(Op::name, each, reduction, {}, where);
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BinaryCrossEntropyOptions& options,
                            Location where) {
  return weighted(BinaryCrossEntropy{}, input, target, {}, options.reduction, options.weight, where);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options, Location where) {
  return weighted(LogitsCrossEntropy{}, logits, target, options.pos_weight, options.reduction, options.weight, where);
}

}  // namespace dagrad
