#include "dagrad/ops/likelihood_loss.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
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

struct KlDivBackward : PointwiseLossBackward<KlDivBackward, Formula::divergence> {
  static constexpr std::string_view name = "kl_div_backward";
  // d2/dx2 = 0, d2/dxdy = -1, d2/dy2 = 1 / y, and 0 where y is 0
  Tensor second(const Tensor& v, By other, const Tensor&, const Tensor& y, const Tensor&) const {
    if (by != other) return neg(v);
    return by == By::input ? Tensor() : masked_fill(v / y, eq(y, 0), 0);
  }
};
struct KlDiv : PointwiseLoss<KlDiv, Formula::divergence, KlDivBackward> {
  static constexpr std::string_view name = "kl_div";
};

struct LogKlDivBackward : PointwiseLossBackward<LogKlDivBackward, Formula::log_divergence> {
  static constexpr std::string_view name = "kl_div_log_target_backward";
  // d2/dx2 = 0, d2/dxdy = -e^y, d2/dy2 = e^y (y - x + 2)
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor& y, const Tensor&) const {
    if (by != other) return neg(v * exp(y));
    return by == By::input ? Tensor() : v * exp(y) * (y - x + 2);
  }
};
struct LogKlDiv : PointwiseLoss<LogKlDiv, Formula::log_divergence, LogKlDivBackward> {
  static constexpr std::string_view name = "kl_div_log_target", function = "kl_div";
};

struct PoissonNllBackward : PointwiseLossBackward<PoissonNllBackward, Formula::poisson> {
  static constexpr std::string_view name = "poisson_nll_loss_backward";
  // d2/dx2 = y / (x + eps)^2, d2/dxdy = -1 / (x + eps), d2/dy2 = 0
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor& y, const Tensor&) const {
    if (by == By::target && other == By::target) return {};
    return by != other ? neg(v / (x + number)) : v * y / square(x + number);
  }
};
struct PoissonNll : PointwiseLoss<PoissonNll, Formula::poisson, PoissonNllBackward> {
  static constexpr std::string_view name = "poisson_nll_loss";
};

struct LogPoissonNllBackward : PointwiseLossBackward<LogPoissonNllBackward, Formula::log_poisson> {
  static constexpr std::string_view name = "poisson_nll_loss_log_input_backward";
  // d2/dx2 = e^x, d2/dxdy = -1, d2/dy2 = 0
  Tensor second(const Tensor& v, By other, const Tensor& x, const Tensor&, const Tensor&) const {
    if (by == By::target && other == By::target) return {};
    return by != other ? neg(v) : v * exp(x);
  }
};
struct LogPoissonNll : PointwiseLoss<LogPoissonNll, Formula::log_poisson, LogPoissonNllBackward> {
  static constexpr std::string_view name = "poisson_nll_loss_log_input", function = "poisson_nll_loss";
};

/// ln(y!) by Stirling's formula where y > 1, else 0.
Tensor log_factorial(const Tensor& y, Location where) {
  // Below 1 the formula is taken at 1, so that no gradient meets a pole.
  const Tensor large = gt(y, 1, where), at = clamp(y, 1, INFINITY, where);
  const Tensor power = sub(mul(at, log(at, where), where), at, where);
  const Tensor root = mul(log(mul(at, 2 * std::numbers::pi, where), where), 0.5, where);
  const Tensor value = add(power, root, where);
  return masked_fill(value, logical_not(large, where), 0, where);
}

}  // namespace

Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options, Location where) {
  const auto run = [&](Reduction reduction) {
    return options.log_target ? losses::run(LogKlDiv{}, input, target, {reduction, options.weight}, where)
                              : losses::run(KlDiv{}, input, target, {reduction, options.weight}, where);
  };
  switch (options.reduction) {
    case KlDivReduction::none: return run(Reduction::none);
    case KlDivReduction::mean: return run(Reduction::mean);
    case KlDivReduction::sum: return run(Reduction::sum);
    case KlDivReduction::batchmean: break;
  }
  if (input.dim() == 0) throw ShapeError("kl_div: batchmean of input [] (want a first axis to divide by)");
  return div(run(Reduction::sum), static_cast<double>(input.size(0)), where);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNllLossOptions& options,
                        Location where) {
  const auto run = [&](const LossOptions& how) {
    return options.log_input ? losses::run(LogPoissonNll{}, input, target, how, where)
                             : losses::run(PoissonNll{{.number = options.eps}}, input, target, how, where);
  };
  if (!options.full) return run({options.reduction, options.weight});
  const Tensor each = add(run({Reduction::none}), log_factorial(target, where), where);
  return losses::reduce("poisson_nll_loss", each, options.reduction, options.weight, where);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& variance,
                         const GaussianNllLossOptions& options, Location where) {
  constexpr std::string_view op = "gaussian_nll_loss";
  losses::check_pair(op, input, target);
  losses::check_broadcasts(op, "variance", variance, "input is", input.shape());
  if (!(options.eps > 0)) throw UsageError(fmt::format("{}: eps is {} (want eps > 0)", op, options.eps));
  Tensor lift;  // what is missing to eps
  {
    const NoGrad guard;
    // A replay of a captured step does not look either.
    if (!watched(Watch::capture) && sum(to(lt(variance, 0), i64)).item<std::int64_t>() > 0)
      throw UsageError(fmt::format("{}: a variance is negative (want variances of 0 or more)", op));
    lift = clamp(variance, options.eps, INFINITY) - variance;
  }
  const Tensor v = add(variance, lift, where);
  Tensor each = mul(add(log(v, where), div(square(sub(input, target, where), where), v, where), where), 0.5, where);
  if (options.full) each = add(each, 0.5 * std::log(2 * std::numbers::pi), where);
  return losses::reduce(op, each, options.reduction, options.weight, where);
}

}  // namespace dagrad
