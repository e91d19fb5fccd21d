#include "dagrad/optim/adamax.h"

#include <cmath>

#define HWY_TARGET_INCLUDE "dagrad/optim/adamax.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// States: m and u.
struct AdamaxRule {
  AdamaxOptions o;
  double step_size;

  AdamaxRule(const AdamaxOptions& options, const Progress& now)
      : o(options), step_size(o.lr / (1 - std::pow(o.betas.first, static_cast<double>(now.steps)))) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto [b1, b2] = o.betas;
    const auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) g = g + x.number(o.weight_decay) * p;
    const auto m = x.number(b1) * x.state(0) + x.number(1 - b1) * g;
    const auto u = hn::Max(x.number(b2) * x.state(1), hn::Abs(g) + x.number(o.eps));
    x.set_state(0, m);
    x.set_state(1, u);
    x.set_parameter(p - x.number(step_size) * m / u);
  }
};

void adamax_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<AdamaxOptions, AdamaxRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(adamax_pass);

namespace {

StateTensors states(const AdamaxOptions&) { return {StateTensor{"exp_avg"}, StateTensor{"exp_inf"}}; }

constexpr UpdateRule<AdamaxOptions> kRule{.name = "Adamax", .kernel = DAGRAD_DISPATCHED(adamax_pass), .states = states};

}  // namespace

void describe(AdamaxOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("betas.first", o.betas.first, kBeta);
  visitor.number("betas.second", o.betas.second, kBeta);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("maximize", o.maximize);
}

Adamax::Adamax(const std::vector<Tensor>& parameters, const AdamaxOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
Adamax::Adamax(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
