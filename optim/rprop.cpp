#include "dagrad/optim/rprop.h"

#define HWY_TARGET_INCLUDE "dagrad/optim/rprop.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// States: the gradient before and the step size.
struct RpropRule {
  RpropOptions o;

  RpropRule(const RpropOptions& options, const Progress&) : o(options) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto zero = x.number(0), one = x.number(1);
    const auto g = x.gradient();
    const auto product = x.sign(g) * x.sign(x.state(0));
    const auto turned = product < zero;
    const auto factor =
        hn::IfThenElse(product > zero, x.number(o.etas.second), hn::IfThenElse(turned, x.number(o.etas.first), one));
    const auto size =
        hn::Min(hn::Max(x.state(1) * factor, x.number(o.step_sizes.first)), x.number(o.step_sizes.second));
    const auto kept = hn::IfThenElse(turned, zero, g);
    x.set_state(0, kept);
    x.set_state(1, size);
    x.set_parameter(x.parameter() - x.sign(kept) * size);
  }
};

void rprop_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<RpropOptions, RpropRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(rprop_pass);

namespace {

StateTensors states(const RpropOptions& o) { return {StateTensor{"prev"}, StateTensor{"step_size", true, o.lr}}; }

constexpr UpdateRule<RpropOptions> kRule{.name = "Rprop", .kernel = DAGRAD_DISPATCHED(rprop_pass), .states = states};

}  // namespace

void describe(RpropOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("etas.first", o.etas.first, kPositive);
  visitor.number("etas.second", o.etas.second, kPositive);
  visitor.number("step_sizes.first", o.step_sizes.first, kNonNegative);
  visitor.number("step_sizes.second", o.step_sizes.second, kNonNegative);
  visitor.flag("maximize", o.maximize);
  visitor.require(o.etas.first < 1 && o.etas.second > 1,
                  "etas do not lie on both sides of 1 (want etas.first < 1 < etas.second)");
  visitor.require(o.step_sizes.first <= o.step_sizes.second,
                  "step_sizes are in the wrong order (want step_sizes.first <= step_sizes.second)");
}

Rprop::Rprop(const std::vector<Tensor>& parameters, const RpropOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
Rprop::Rprop(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
