#include "dagrad/ops/loss.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise_loss.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using losses::By;
using losses::Formula;
using losses::PointwiseLoss;
using losses::PointwiseLossBackward;

// These are functions of d = input - target, and only their derivatives by the input are ever taken: `along` is f''(d).

template <class Derived, Formula kFormula>
struct DifferenceLossBackward : PointwiseLossBackward<Derived, kFormula> {
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor& y, const Tensor&) const {
    const Tensor along = static_cast<const Derived&>(*this).along(v, x, y);
    return other == By::input || !along.defined() ? along : neg(along);
  }
};

struct MseLossBackward : DifferenceLossBackward<MseLossBackward, Formula::squared> {
  static constexpr std::string_view name = "mse_loss_backward";
  static Tensor along(const Tensor& v, const Tensor&, const Tensor&) { return v * 2; }
};
struct MseLoss : PointwiseLoss<MseLoss, Formula::squared, MseLossBackward> {
  static constexpr std::string_view name = "mse_loss";
};

struct L1LossBackward : DifferenceLossBackward<L1LossBackward, Formula::absolute> {
  static constexpr std::string_view name = "l1_loss_backward";
  static Tensor along(const Tensor&, const Tensor&, const Tensor&) { return {}; }
};
struct L1Loss : PointwiseLoss<L1Loss, Formula::absolute, L1LossBackward> {
  static constexpr std::string_view name = "l1_loss";
};

struct HuberLossBackward : DifferenceLossBackward<HuberLossBackward, Formula::huber> {
  static constexpr std::string_view name = "huber_loss_backward";
  // 1 up to delta, else 0
  Tensor along(const Tensor& v, const Tensor& x, const Tensor& y) const {
    return v * to(le(abs(x.detach() - y.detach()), number), v.dtype());
  }
};
struct HuberLoss : PointwiseLoss<HuberLoss, Formula::huber, HuberLossBackward> {
  static constexpr std::string_view name = "huber_loss";
};

struct SmoothL1LossBackward : DifferenceLossBackward<SmoothL1LossBackward, Formula::smooth_l1> {
  static constexpr std::string_view name = "smooth_l1_loss_backward";
  // 1 / beta below beta, else 0
  Tensor along(const Tensor& v, const Tensor& x, const Tensor& y) const {
    if (number == 0) return {};
    return v * to(lt(abs(x.detach() - y.detach()), number), v.dtype()) / number;
  }
};
struct SmoothL1Loss : PointwiseLoss<SmoothL1Loss, Formula::smooth_l1, SmoothL1LossBackward> {
  static constexpr std::string_view name = "smooth_l1_loss";
};

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
  return losses::run(MseLoss{}, input, target, options, where);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
  return losses::run(L1Loss{}, input, target, options, where);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options, Location where) {
  if (!(options.delta > 0)) throw UsageError(fmt::format("huber_loss: delta is {} (want delta > 0)", options.delta));
  return losses::run(HuberLoss{{.number = options.delta}}, input, target, {options.reduction, options.weight}, where);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossOptions& options, Location where) {
  if (!(options.beta >= 0)) throw UsageError(fmt::format("smooth_l1_loss: beta is {} (want beta >= 0)", options.beta));
  return losses::run(SmoothL1Loss{{.number = options.beta}}, input, target, {options.reduction, options.weight}, where);
}

}  // namespace dagrad
