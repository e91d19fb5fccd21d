#include "dagrad/optim/lion.h"

#define HWY_TARGET_INCLUDE "dagrad/optim/lion.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// State: m.
struct LionRule {
  LionOptions o;

  LionRule(const LionOptions& options, const Progress&) : o(options) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto [b1, b2] = o.betas;
    const auto g = x.gradient(), m = x.state(0);
    const auto direction = x.number(b1) * m + x.number(1 - b1) * g;
    x.set_state(0, x.number(b2) * m + x.number(1 - b2) * g);
    const auto p = x.parameter() * x.number(1 - o.lr * o.weight_decay);
    x.set_parameter(p - x.number(o.lr) * x.sign(direction));
  }
};

void lion_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<LionOptions, LionRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(lion_pass);

namespace {

StateTensors states(const LionOptions&) { return {StateTensor{"exp_avg"}}; }

constexpr UpdateRule<LionOptions> kRule{.name = "Lion", .kernel = DAGRAD_DISPATCHED(lion_pass), .states = states};

}  // namespace

void describe(LionOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("betas.first", o.betas.first, kBeta);
  visitor.number("betas.second", o.betas.second, kBeta);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("maximize", o.maximize);
}

Lion::Lion(const std::vector<Tensor>& parameters, const LionOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
Lion::Lion(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
