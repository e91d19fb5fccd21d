#include "dagrad/optim/radam.h"

#include <cmath>

#define HWY_TARGET_INCLUDE "dagrad/optim/radam.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// States: m and v.
struct RAdamRule {
  RadamOptions o;
  double step_size;
  bool rectified;

  RAdamRule(const RadamOptions& options, const Progress& now) : o(options) {
    const auto t = static_cast<double>(now.steps);
    const double power = std::pow(o.betas.second, t);
    const double limit = 2 / (1 - o.betas.second) - 1;
    const double length = limit - 2 * t * power / (1 - power);
    step_size = o.lr / (1 - std::pow(o.betas.first, t));
    rectified = length > 5;
    if (rectified) {
      step_size *= std::sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length));
      step_size *= std::sqrt(1 - power);
    }
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
    const auto step = rectified ? m / (hn::Sqrt(v) + x.number(o.eps)) : m;
    x.set_parameter(p - x.number(step_size) * step);
  }
};

void radam_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<RadamOptions, RAdamRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(radam_pass);

namespace {

StateTensors states(const RadamOptions&) { return {StateTensor{"exp_avg"}, StateTensor{"exp_avg_sq"}}; }

constexpr UpdateRule<RadamOptions> kRule{.name = "RAdam", .kernel = DAGRAD_DISPATCHED(radam_pass), .states = states};

}  // namespace

void describe(RadamOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("betas.first", o.betas.first, kBeta);
  visitor.number("betas.second", o.betas.second, kBeta);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("decoupled_weight_decay", o.decoupled_weight_decay);
  visitor.flag("maximize", o.maximize);
}

RAdam::RAdam(const std::vector<Tensor>& parameters, const RadamOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
RAdam::RAdam(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
