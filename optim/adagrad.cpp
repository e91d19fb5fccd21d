#include "dagrad/optim/adagrad.h"

#define HWY_TARGET_INCLUDE "dagrad/optim/adagrad.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// State: the sum of squares.
struct AdagradRule {
  AdagradOptions o;
  double rate;

  AdagradRule(const AdagradOptions& options, const Progress& now)
      : o(options), rate(o.lr / (1 + static_cast<double>(now.steps - 1) * o.lr_decay)) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) g = g + x.number(o.weight_decay) * p;
    const auto s = x.state(0) + g * g;
    x.set_state(0, s);
    const auto eps = x.number(o.eps);
    const auto root = o.eps_inside_root ? hn::Sqrt(s + eps) : hn::Sqrt(s) + eps;
    // 0 / 0 where no gradient ever came and nothing keeps the root from 0.
    const auto step = hn::IfThenElse(g == x.number(0), g, g / root);
    x.set_parameter(p - x.number(rate) * step);
  }
};

void adagrad_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<AdagradOptions, AdagradRule>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(adagrad_pass);

namespace {

StateTensors states(const AdagradOptions& o) { return {StateTensor{"sum", true, o.initial_accumulator_value}}; }

constexpr UpdateRule<AdagradOptions> kRule{
    .name = "Adagrad", .kernel = DAGRAD_DISPATCHED(adagrad_pass), .states = states};

}  // namespace

void describe(AdagradOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("lr_decay", o.lr_decay, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.number("initial_accumulator_value", o.initial_accumulator_value, kNonNegative);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.flag("eps_inside_root", o.eps_inside_root);
  visitor.flag("maximize", o.maximize);
}

Adagrad::Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options)
    : FusedOptimizer(kRule, {{parameters, options}}) {}
Adagrad::Adagrad(const std::vector<Group>& groups) : FusedOptimizer(kRule, groups) {}

}  // namespace dagrad::optim
#endif
