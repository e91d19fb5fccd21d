// The formulas of elementwise losses and their derivatives, each written once for SIMD
// vectors of f32 and for plain numbers. Internal. Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_LOSS_FORMULAS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_LOSS_FORMULAS_INL_H
#undef DAGRAD_OPS_LOSS_FORMULAS_INL_H
#else
#define DAGRAD_OPS_LOSS_FORMULAS_INL_H
#endif

#include <hwy/highway.h>

#include "dagrad/ops/loss_kernels.h"
#include "dagrad/ops/pointwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::losses::HWY_NAMESPACE {

/// a b, but 0 where a is 0: what has no weight counts for nothing, even where it is infinite.
template <class M, class V>
HWY_INLINE V weighed(M m, V a, V b) {
  return m.if_equal(a, m.set(0), m.set(0), a * b);
}

template <class M, class V>
HWY_INLINE V sign_of(M m, V x) {
  return m.if_greater(x, m.set(0), m.set(1), m.if_greater(m.set(0), x, m.set(-1), x));
}

/// ln(x) and ln(1 - x), but not less than -100.
template <class M, class V>
HWY_INLINE V clamped_log(M m, V x) {
  const auto y = m.log(x);
  return m.if_greater(m.set(-100), y, m.set(-100), y);
}
template <class M, class V>
HWY_INLINE V clamped_log_of_rest(M m, V x) {
  const auto y = m.log1p(m.set(-1) * x);
  return m.if_greater(m.set(-100), y, m.set(-100), y);
}

/// Calls `use` with the formula of f, a function of x, y and w.
template <class Use>
HWY_INLINE void with_value(Formula f, double n, const Use& use) {
  switch (f) {
    case Formula::squared: return use([](auto, auto x, auto y, auto) HWY_ATTR { return (x - y) * (x - y); });
    case Formula::absolute: return use([](auto m, auto x, auto y, auto) HWY_ATTR { return m.abs(x - y); });
    case Formula::huber:
      return use([n](auto m, auto x, auto y, auto) HWY_ATTR {
        const auto d = x - y, a = m.abs(d);
        return m.if_greater(a, m.set(n), m.set(n) * (a - m.set(0.5 * n)), m.set(0.5) * d * d);
      });
    case Formula::smooth_l1:
      return use([n](auto m, auto x, auto y, auto) HWY_ATTR {
        const auto d = x - y, a = m.abs(d);
        return m.if_greater(m.set(n), a, m.set(0.5) * d * d / m.set(n), a - m.set(0.5 * n));
      });
    case Formula::cross_entropy:
      return use([](auto m, auto x, auto y, auto) HWY_ATTR {
        return m.set(-1) * (y * clamped_log(m, x) + (m.set(1) - y) * clamped_log_of_rest(m, x));
      });
    case Formula::logits_cross_entropy:  // w y softplus(-x) + (1 - y) softplus(x), all of it positive
      return use([](auto m, auto x, auto y, auto w) HWY_ATTR {
        const auto rest = m.log1p(m.exp(m.set(-1) * m.abs(x))), minus_x = m.set(-1) * x;
        return weighed(m, w * y, m.where_positive(minus_x, minus_x) + rest) +
               weighed(m, m.set(1) - y, m.where_positive(x, x) + rest);
      });
    case Formula::divergence:
      return use([](auto m, auto x, auto y, auto) HWY_ATTR { return weighed(m, y, m.log(y) - x); });
    case Formula::log_divergence:
      return use([](auto m, auto x, auto y, auto) HWY_ATTR { return weighed(m, m.exp(y), y - x); });
    case Formula::poisson:
      return use([n](auto m, auto x, auto y, auto) HWY_ATTR { return x - weighed(m, y, m.log(x + m.set(n))); });
    case Formula::log_poisson:
      return use([](auto m, auto x, auto y, auto) HWY_ATTR { return m.exp(x) - weighed(m, y, x); });
  }
}

/// Calls `use` with df/dx.
template <class Use>
HWY_INLINE void with_gradient_by_input(Formula f, double n, const Use& use) {
  switch (f) {
    case Formula::squared: return use([](auto, auto x, auto y, auto) HWY_ATTR { return (x - y) + (x - y); });
    case Formula::absolute: return use([](auto m, auto x, auto y, auto) HWY_ATTR { return sign_of(m, x - y); });
    case Formula::huber:
      return use([n](auto m, auto x, auto y, auto) HWY_ATTR {
        const auto d = x - y;
        return m.if_greater(d, m.set(n), m.set(n), m.if_greater(m.set(-n), d, m.set(-n), d));
      });
    case Formula::smooth_l1:
      return use([n](auto m, auto x, auto y, auto) HWY_ATTR {
        const auto d = x - y;
        return m.if_greater(m.set(n), m.abs(d), d / m.set(n), sign_of(m, d));
      });
    case Formula::cross_entropy:  // (x - y) / (x (1 - x))
      return use([](auto m, auto x, auto y, auto) HWY_ATTR {
        const auto variance = x * (m.set(1) - x);
        return (x - y) / m.if_greater(m.set(1e-12), variance, m.set(1e-12), variance);
      });
    case Formula::logits_cross_entropy:  // (1 - y) s(x) - w y s(-x); each logistic without cancellation
      return use([](auto m, auto x, auto y, auto w) HWY_ATTR {
        const auto e = m.exp(m.set(-1) * m.abs(x)), near = m.set(1) / (m.set(1) + e), far = e * near;
        return (m.set(1) - y) * m.if_greater(x, m.set(0), near, far) - w * y * m.if_greater(x, m.set(0), far, near);
      });
    case Formula::divergence: return use([](auto m, auto, auto y, auto) HWY_ATTR { return m.set(-1) * y; });
    case Formula::log_divergence: return use([](auto m, auto, auto y, auto) HWY_ATTR { return m.set(-1) * m.exp(y); });
    case Formula::poisson:
      return use([n](auto m, auto x, auto y, auto)
                     HWY_ATTR { return m.set(1) - weighed(m, y, m.set(1) / (x + m.set(n))); });
    case Formula::log_poisson: return use([](auto m, auto x, auto y, auto) HWY_ATTR { return m.exp(x) - y; });
  }
}

/// Calls `use` with df/dy. What depends on x - y alone has none of its own: it is -df/dx.
template <class Use>
HWY_INLINE void with_gradient_by_target(Formula f, double n, const Use& use) {
  switch (f) {
    case Formula::cross_entropy:  // ln(1 - x) - ln(x)
      return use([](auto m, auto x, auto, auto) HWY_ATTR { return clamped_log_of_rest(m, x) - clamped_log(m, x); });
    case Formula::logits_cross_entropy:  // w softplus(-x) - softplus(x); -x when w is 1
      return use([](auto m, auto x, auto, auto w) HWY_ATTR {
        const auto minus_x = m.set(-1) * x, rest = m.log1p(m.exp(m.set(-1) * m.abs(x)));
        return w * m.where_positive(minus_x, minus_x) - m.where_positive(x, x) + (w - m.set(1)) * rest;
      });
    case Formula::divergence:  // ln(y) + 1 - x, but 0 where y is 0
      return use([](auto m, auto x, auto y, auto)
                     HWY_ATTR { return m.if_equal(y, m.set(0), m.set(0), m.log(y) - x + m.set(1)); });
    case Formula::log_divergence:
      return use([](auto m, auto x, auto y, auto) HWY_ATTR { return weighed(m, m.exp(y), y - x + m.set(1)); });
    case Formula::poisson:
      return use([n](auto m, auto x, auto, auto) HWY_ATTR { return m.set(-1) * m.log(x + m.set(n)); });
    case Formula::log_poisson: return use([](auto m, auto x, auto, auto) HWY_ATTR { return m.set(-1) * x; });
    default: return;
  }
}

}  // namespace dagrad::losses::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
