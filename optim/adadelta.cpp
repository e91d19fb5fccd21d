#include "dagrad/optim/adadelta.h"

#define HWY_TARGET_INCLUDE "dagrad/optim/adadelta.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// States: the mean squares of gradients (s) and of steps (u).
struct AdadeltaRule {
  AdadeltaOptions o;

  AdadeltaRule(const AdadeltaOptions& options, const Progress&) : o(options) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) g = g + x.number(o.weight_decay) * p;
    const auto eps = x.number(o.eps), rho = x.number(o.rho), rest = x.number(1 - o.rho);
    const auto s = rho * x.state(0) + rest * g * g;
    const auto step = hn::Sqrt(x.state(1) + eps) / hn::Sqrt(s + eps) * g;
    x.set_state(0, s);
    x.set_state(1, rho * x.state(1) + rest * step * step);
    x.set_parameter(p - x.number(o.lr) * step);
  }
};

void adadelta_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<AdadeltaOptions, AdadeltaRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(adadelta_pass);

namespace {

StateTensors states(const AdadeltaOptions&) { return {StateTensor{"square_avg"}, StateTensor{"acc_delta"}}; }

constexpr UpdateRule<AdadeltaOptions> kRule{
    .name = "Adadelta", .kernel = DAGRAD_DISPATCHED(adadelta_pass), .states = states};

}  // namespace

void describe(AdadeltaOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("rho", o.rho, kFraction);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("maximize", o.maximize);
}

Adadelta::Adadelta(const std::vector<Tensor>& parameters, const AdadeltaOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
Adadelta::Adadelta(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
