#include "dagrad/optim/nadam.h"

#include <cmath>

#define HWY_TARGET_INCLUDE "dagrad/optim/nadam.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// mu_t: the weight of the momentum at step t.
HWY_INLINE double momentum_at(const NadamOptions& o, double t) {
  return o.betas.first * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
}

/// States: m and v; the product of the mu in Progress.
struct NAdamRule {
  NadamOptions o;
  double gradient_rate, mean_rate, root_correction;

  NAdamRule(const NadamOptions& options, const Progress& now) : o(options) {
    const auto t = static_cast<double>(now.steps);
    const double mu = momentum_at(o, t), next = momentum_at(o, t + 1);
    gradient_rate = o.lr * (1 - mu) / (1 - now.product);
    mean_rate = o.lr * next / (1 - now.product * next);
    root_correction = 1 / std::sqrt(1 - std::pow(o.betas.second, t));
  }

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto [b1, b2] = o.betas;
    auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) {
      if (o.decoupled_weight_decay)
        p = p * x.number(1 - o.lr * o.weight_decay);
      else
        g = g + x.number(o.weight_decay) * p;
    }
    const auto m = x.number(b1) * x.state(0) + x.number(1 - b1) * g;
    const auto v = x.number(b2) * x.state(1) + x.number(1 - b2) * g * g;
    x.set_state(0, m);
    x.set_state(1, v);
    const auto root = hn::Sqrt(v) * x.number(root_correction) + x.number(o.eps);
    x.set_parameter(p - (x.number(gradient_rate) * g + x.number(mean_rate) * m) / root);
  }
};

void nadam_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<NadamOptions, NAdamRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(nadam_pass);

namespace {

StateTensors states(const NadamOptions&) { return {StateTensor{"exp_avg"}, StateTensor{"exp_avg_sq"}}; }

void advance(const NadamOptions& o, Progress& progress) {
  progress.product *= HWY_NAMESPACE::momentum_at(o, static_cast<double>(progress.steps));
}

constexpr UpdateRule<NadamOptions> kRule{
    .name = "NAdam", .kernel = DAGRAD_DISPATCHED(nadam_pass), .states = states, .advance = advance};

}  // namespace

void describe(NadamOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("betas.first", o.betas.first, kBeta);
  visitor.number("betas.second", o.betas.second, kBeta);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.number("momentum_decay", o.momentum_decay, kNonNegative);
  visitor.flag("decoupled_weight_decay", o.decoupled_weight_decay);
  visitor.flag("maximize", o.maximize);
}

NAdam::NAdam(const std::vector<Tensor>& parameters, const NadamOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
NAdam::NAdam(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
