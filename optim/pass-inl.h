// The loops of a pass, for one SIMD target after the other. Internal.
//
// An optimizer's file defines HWY_TARGET_INCLUDE as itself and then includes this, which includes that file again for
// each target. Between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE it has its rule: a struct made from (options,
// progress) once a parameter, whose `operator()(elements)` is the formula for one vector of elements.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>

#if defined(DAGRAD_OPTIM_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPTIM_PASS_INL_H
#undef DAGRAD_OPTIM_PASS_INL_H
#else
#define DAGRAD_OPTIM_PASS_INL_H
#endif

#include <algorithm>
#include <cstring>
#include <hwy/highway.h>
#include <optional>

#include "dagrad/optim/pass.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One vector of elements of an item: the parameter of type T, the gradient of type G, the states of type T.
template <class T, class G, class D>
struct Elements {
  using V = hn::Vec<D>;
  D d;
  T* parameters;
  const G* gradients;
  const std::array<T*, kMaxStates>& states;
  BFloat16* copies;
  T grad_scale;
  std::int64_t i;

  HWY_INLINE V number(double x) const { return hn::Set(d, static_cast<T>(x)); }
  HWY_INLINE V parameter() const { return hn::LoadU(d, parameters + i); }
  HWY_INLINE V state(std::size_t k) const { return hn::LoadU(d, states[k] + i); }
  HWY_INLINE void set_state(std::size_t k, V x) const { hn::StoreU(x, d, states[k] + i); }

  /// 1, 0 or -1; NaN stays NaN.
  HWY_INLINE V sign(V x) const {
    const V zero = hn::Zero(d);
    return hn::IfThenElse(x == zero, zero, hn::IfThenElse(hn::IsNaN(x), x, hn::CopySign(number(1), x)));
  }

  /// The gradient, scaled; its sign is turned where the objective is to grow.
  HWY_INLINE V gradient() const {
    const V scale = hn::Set(d, grad_scale);
    if constexpr (std::is_same_v<G, BFloat16>) {
      const hn::Rebind<std::uint16_t, D> half;
      const hn::Rebind<std::uint32_t, D> word;
      const auto bits = hn::LoadU(half, reinterpret_cast<const std::uint16_t*>(gradients) + i);
      return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(word, bits))) * scale;
    } else {
      return hn::LoadU(d, gradients + i) * scale;
    }
  }

  HWY_INLINE void set_parameter(V x) const {
    hn::StoreU(x, d, parameters + i);
    if constexpr (std::is_same_v<T, float>) {
      if (copies != nullptr) set_copy(x);
    }
  }

 private:
  /// Rounds to nearest even, as BFloat16 does; NaN stays NaN.
  HWY_INLINE void set_copy(V x) const {
    const hn::Rebind<std::uint16_t, D> half;
    const hn::RebindToUnsigned<D> word;
    const hn::RebindToSigned<D> integer;
    const auto bits = hn::BitCast(word, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(word, 1));
    const auto rounded = hn::ShiftRight<16>(bits + hn::Set(word, 0x7fff) + odd);
    const auto nan = hn::Or(hn::ShiftRight<16>(bits), hn::Set(word, 0x40));
    const auto chosen = hn::IfThenElse(hn::RebindMask(word, hn::IsNaN(x)), nan, rounded);
    // Demoting saturates signed numbers, so the upper half is made a sign first.
    const auto extended = hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(integer, chosen)));
    const hn::Rebind<std::int16_t, D> signed_half;
    hn::StoreU(hn::BitCast(half, hn::DemoteTo(signed_half, extended)), half,
               reinterpret_cast<std::uint16_t*>(copies) + i);
  }
};

/// The elements [begin, end) of an item: whole vectors, then one lane at a time.
template <class T, class G, class Rule>
HWY_INLINE void run_item(const Rule& rule, const PassItem& item, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<T> vector;
  const hn::CappedTag<T, 1> one;
  std::array<T*, kMaxStates> states;
  for (std::size_t k = 0; k < kMaxStates; ++k) states[k] = static_cast<T*>(item.states[k]);
  const auto elements = [&](auto d, std::int64_t i) HWY_ATTR {
    return Elements<T, G, decltype(d)>{d,
                                       static_cast<T*>(item.parameter),
                                       static_cast<const G*>(item.gradient),
                                       states,
                                       item.copy,
                                       static_cast<T>(item.grad_scale),
                                       i};
  };
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(vector));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) rule(elements(vector, i));
  for (; i < end; ++i) rule(elements(one, i));
}

/// The part [begin, end) of the range: a Pass::Kernel, but for the name.
template <class Options, class Rule>
HWY_INLINE void run_pass(const Pass& pass, std::int64_t begin, std::int64_t end) {
  std::optional<Rule> rule;
  const PassItem* before = nullptr;
  for (std::size_t k = pass.item_at(begin); k < pass.items().size() && pass.items()[k].begin < end; ++k) {
    const PassItem& item = pass.items()[k];
    const Progress& now = item.progress;
    // Most parameters of a group are at the same step: its powers are computed once.
    if (before == nullptr || before->options != item.options || before->progress.steps != now.steps ||
        before->progress.product != now.product || before->progress.fresh != now.fresh)
      rule.emplace(*static_cast<const Options*>(item.options), now);
    before = &item;
    const std::int64_t from = std::max<std::int64_t>(begin - item.begin, 0);
    const std::int64_t to = std::min(end - item.begin, item.count);
    switch (item.types) {
      case PassTypes::f32: run_item<float, float>(*rule, item, from, to); break;
      case PassTypes::f64: run_item<double, double>(*rule, item, from, to); break;
      case PassTypes::f32_from_bf16: run_item<float, BFloat16>(*rule, item, from, to); break;
    }
  }
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
