#include "dagrad/optim/adam.h"

#include <cmath>
#include <type_traits>

#define HWY_TARGET_INCLUDE "dagrad/optim/adam.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// Adam and AdamW: they differ in what the weight decay is added to. States: m, v and with amsgrad the largest v.
template <class Options>
struct AdamRule {
  static constexpr bool kDecoupled = std::is_same_v<Options, AdamwOptions>;
  Options o;
  double step_size;        // lr / (1 - b1^t)
  double root_correction;  // 1 / sqrt(1 - b2^t)

  AdamRule(const Options& options, const Progress& now) : o(options), step_size(o.lr), root_correction(1) {
    if (!o.bias_correction) return;
    const auto t = static_cast<double>(now.steps);
    step_size = o.lr / (1 - std::pow(o.betas.first, t));
    root_correction = 1 / std::sqrt(1 - std::pow(o.betas.second, t));
  }

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    const auto [b1, b2] = o.betas;
    auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) {
      if constexpr (kDecoupled)
        p = p * x.number(1 - o.lr * o.weight_decay);
      else
        g = g + x.number(o.weight_decay) * p;
    }
    const auto m = x.number(b1) * x.state(0) + x.number(1 - b1) * g;
    auto v = x.number(b2) * x.state(1) + x.number(1 - b2) * g * g;
    x.set_state(0, m);
    x.set_state(1, v);
    if (o.amsgrad) {
      v = hn::Max(v, x.state(2));
      x.set_state(2, v);
    }
    const auto root = hn::Sqrt(v) * x.number(root_correction) + x.number(o.eps);
    x.set_parameter(p - x.number(step_size) * m / root);
  }
};

void adam_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<AdamOptions, AdamRule<AdamOptions>>(pass, begin, end);
}
void adamw_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<AdamwOptions, AdamRule<AdamwOptions>>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(adam_pass);
HWY_EXPORT(adamw_pass);

namespace {

template <class Options>
StateTensors states(const Options& o) {
  return {StateTensor{"exp_avg"}, StateTensor{"exp_avg_sq"}, StateTensor{"max_exp_avg_sq", o.amsgrad}};
}

template <class Options>
void describe_all(Options& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("betas.first", o.betas.first, kBeta);
  visitor.number("betas.second", o.betas.second, kBeta);
  visitor.number("eps", o.eps, kNonNegative);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("amsgrad", o.amsgrad);
  visitor.flag("maximize", o.maximize);
  visitor.flag("bias_correction", o.bias_correction);
}

constexpr UpdateRule<AdamOptions> kAdam{
    .name = "Adam", .kernel = DAGRAD_DISPATCHED(adam_pass), .states = states<AdamOptions>};
constexpr UpdateRule<AdamwOptions> kAdamw{
    .name = "AdamW", .kernel = DAGRAD_DISPATCHED(adamw_pass), .states = states<AdamwOptions>};

}  // namespace

void describe(AdamOptions& options, OptionVisitor& visitor) { describe_all(options, visitor); }
void describe(AdamwOptions& options, OptionVisitor& visitor) { describe_all(options, visitor); }

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options)
    : FusedOptimizer(kAdam, {{parameters, options}}) {}
Adam::Adam(const std::vector<Group>& groups) : FusedOptimizer(kAdam, groups) {}
AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamwOptions& options)
    : FusedOptimizer(kAdamw, {{parameters, options}}) {}
AdamW::AdamW(const std::vector<Group>& groups) : FusedOptimizer(kAdamw, groups) {}

}  // namespace dagrad::optim
#endif
