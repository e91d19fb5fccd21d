#include "dagrad/optim/steps.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/optim/steps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls body(d, i) for whole vectors, and with vectors of one lane for the rest.
template <class T, class Body>
HWY_INLINE void sweep(std::int64_t count, const Body& body) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(one, i);
}

template <class T>
HWY_INLINE void sgd_elements(const SgdStep& s, T* HWY_RESTRICT p, const T* HWY_RESTRICT g, T* HWY_RESTRICT buffer,
                             std::int64_t count) {
  sweep<T>(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto set = [d](double x) HWY_ATTR { return hn::Set(d, static_cast<T>(x)); };
    const auto weight = hn::LoadU(d, p + i);
    auto gradient = hn::LoadU(d, g + i);
    if (s.weight_decay != 0) gradient = gradient + set(s.weight_decay) * weight;
    if (s.momentum != 0) {
      const auto kept =
          s.first ? gradient : set(s.momentum) * hn::LoadU(d, buffer + i) + set(1 - s.dampening) * gradient;
      hn::StoreU(kept, d, buffer + i);
      gradient = s.nesterov ? gradient + set(s.momentum) * kept : kept;
    }
    hn::StoreU(weight - set(s.lr) * gradient, d, p + i);
  });
}

template <class T>
HWY_INLINE void adam_elements(const AdamStep& s, T* HWY_RESTRICT p, const T* HWY_RESTRICT g, T* HWY_RESTRICT m,
                              T* HWY_RESTRICT v, T* HWY_RESTRICT largest, std::int64_t count) {
  sweep<T>(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto set = [d](double x) HWY_ATTR { return hn::Set(d, static_cast<T>(x)); };
    const auto weight = hn::LoadU(d, p + i);
    auto gradient = hn::LoadU(d, g + i);
    if (s.weight_decay != 0) gradient = gradient + set(s.weight_decay) * weight;
    const auto mean = set(s.b1) * hn::LoadU(d, m + i) + set(1 - s.b1) * gradient;
    auto square = set(s.b2) * hn::LoadU(d, v + i) + set(1 - s.b2) * gradient * gradient;
    hn::StoreU(mean, d, m + i);
    hn::StoreU(square, d, v + i);
    if (largest != nullptr) {
      square = hn::Max(square, hn::LoadU(d, largest + i));
      hn::StoreU(square, d, largest + i);
    }
    const auto root = hn::Sqrt(square) * set(s.root_correction) + set(s.eps);
    hn::StoreU(weight - set(s.step_size) * mean / root, d, p + i);
  });
}

void sgd_f32(const SgdStep& s, float* p, const float* g, float* buffer, std::int64_t count) {
  sgd_elements(s, p, g, buffer, count);
}
void sgd_f64(const SgdStep& s, double* p, const double* g, double* buffer, std::int64_t count) {
  sgd_elements(s, p, g, buffer, count);
}
void adam_f32(const AdamStep& s, float* p, const float* g, float* m, float* v, float* largest, std::int64_t count) {
  adam_elements(s, p, g, m, v, largest, count);
}
void adam_f64(const AdamStep& s, double* p, const double* g, double* m, double* v, double* largest,
              std::int64_t count) {
  adam_elements(s, p, g, m, v, largest, count);
}

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(sgd_f32);
HWY_EXPORT(sgd_f64);
HWY_EXPORT(adam_f32);
HWY_EXPORT(adam_f64);

void sgd_step(const SgdStep& step, float* p, const float* g, float* buffer, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(sgd_f32)(step, p, g, buffer, count);
}
void sgd_step(const SgdStep& step, double* p, const double* g, double* buffer, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(sgd_f64)(step, p, g, buffer, count);
}
void adam_step(const AdamStep& step, float* p, const float* g, float* m, float* v, float* largest, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(adam_f32)(step, p, g, m, v, largest, count);
}
void adam_step(const AdamStep& step, double* p, const double* g, double* m, double* v, double* largest,
               std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(adam_f64)(step, p, g, m, v, largest, count);
}

}  // namespace dagrad::optim
#endif
