#include "dagrad/optim/sgd.h"

#include <type_traits>

#define HWY_TARGET_INCLUDE "dagrad/optim/sgd.cpp"
#include "dagrad/optim/pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

/// SGD and SGDW: they differ in what the weight decay is added to.
template <class Options>
struct SgdRule {
  static constexpr bool kDecoupled = std::is_same_v<Options, SgdwOptions>;
  Options o;
  bool first;  // the momentum buffer starts as the gradient

  SgdRule(const Options& options, const Progress& now) : o(options), first(now.fresh) {}

  template <class E>
  HWY_INLINE void operator()(const E& x) const {
    auto p = x.parameter();
    auto g = x.gradient();
    if (o.weight_decay != 0) {
      if constexpr (kDecoupled)
        p = p * x.number(1 - o.lr * o.weight_decay);
      else
        g = g + x.number(o.weight_decay) * p;
    }
    if (o.momentum != 0) {
      const auto b = first ? g : x.number(o.momentum) * x.state(0) + x.number(1 - o.dampening) * g;
      x.set_state(0, b);
      g = o.nesterov ? g + x.number(o.momentum) * b : b;
    }
    x.set_parameter(p - x.number(o.lr) * g);
  }
};

void sgd_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<SgdOptions, SgdRule<SgdOptions>>(pass, begin, end);
}
void sgdw_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  run_pass<SgdwOptions, SgdRule<SgdwOptions>>(pass, begin, end);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(sgd_pass);
HWY_EXPORT(sgdw_pass);

namespace {

template <class Options>
StateTensors states(const Options& o) {
  return {StateTensor{"momentum_buffer", o.momentum != 0}};
}

template <class Options>
void describe_all(Options& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("momentum", o.momentum, kNonNegative);
  visitor.number("dampening", o.dampening, kAny);
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("nesterov", o.nesterov);
  visitor.flag("maximize", o.maximize);
  visitor.require(!o.nesterov || (o.momentum > 0 && o.dampening == 0),
                  "nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
}

constexpr UpdateRule<SgdOptions> kSgd{
    .name = "SGD", .kernel = DAGRAD_DISPATCHED(sgd_pass), .states = states<SgdOptions>};
constexpr UpdateRule<SgdwOptions> kSgdw{
    .name = "SGDW", .kernel = DAGRAD_DISPATCHED(sgdw_pass), .states = states<SgdwOptions>};

}  // namespace

void describe(SgdOptions& options, OptionVisitor& visitor) { describe_all(options, visitor); }
void describe(SgdwOptions& options, OptionVisitor& visitor) { describe_all(options, visitor); }

SGD::SGD(const std::vector<Tensor>& parameters, const SgdOptions& options)
    : FusedOptimizer(kSgd, {{parameters, options}}) {}
SGD::SGD(const std::vector<Group>& groups) : FusedOptimizer(kSgd, groups) {}
SGDW::SGDW(const std::vector<Tensor>& parameters, const SgdwOptions& options)
    : FusedOptimizer(kSgdw, {{parameters, options}}) {}
SGDW::SGDW(const std::vector<Group>& groups) : FusedOptimizer(kSgdw, groups) {}

}  // namespace dagrad::optim
#endif
