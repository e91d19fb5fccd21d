#include "dagrad/optim/rmsprop.h"

#define HWY_TARGET_INCLUDE "dagrad/optim/rmsprop.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// States: the mean square, the momentum buffer, the mean gradient.
struct RMSpropRule {
  RmspropOptions o;

  RMSpropRule(const RmspropOptions& options, const Progress&) : o(options) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) g = g + x.number(o.weight_decay) * p;
    auto s = x.number(o.alpha) * x.state(0) + x.number(1 - o.alpha) * g * g;
    x.set_state(0, s);
    if (o.centered) {
      const auto mean = x.number(o.alpha) * x.state(2) + x.number(1 - o.alpha) * g;
      x.set_state(2, mean);
      // Never negative but for rounding.
      s = hn::Max(s - mean * mean, x.number(0));
    }
    auto step = g / (hn::Sqrt(s) + x.number(o.eps));
    if (o.momentum != 0) {
      step = x.number(o.momentum) * x.state(1) + step;
      x.set_state(1, step);
    }
    x.set_parameter(p - x.number(o.lr) * step);
  }
};

void rmsprop_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<RmspropOptions, RMSpropRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(rmsprop_pass);

namespace {

StateTensors states(const RmspropOptions& o) {
  return {StateTensor{"square_avg"}, StateTensor{"momentum_buffer", o.momentum != 0},
          StateTensor{"grad_avg", o.centered}};
}

constexpr UpdateRule<RmspropOptions> kRule{
    .name = "RMSprop", .kernel = DAGRAD_DISPATCHED(rmsprop_pass), .states = states};

}  // namespace

void describe(RmspropOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("alpha", o.alpha, kBeta);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.number("momentum", o.momentum, kNonNegative);
  visitor.flag("centered", o.centered);
  visitor.flag("maximize", o.maximize);
}

RMSprop::RMSprop(const std::vector<Tensor>& parameters, const RmspropOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
RMSprop::RMSprop(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
