// The formulas of the recurrent cells, for SIMD vectors of f32 and for plain numbers, each written once. Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_RECURRENT_STEPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_RECURRENT_STEPS_INL_H
#undef DAGRAD_OPS_RECURRENT_STEPS_INL_H
#else
#define DAGRAD_OPS_RECURRENT_STEPS_INL_H
#endif

#include <algorithm>

#include "dagrad/ops/pointwise-inl.h"
#include "dagrad/ops/recurrent_steps.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::recurrent::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace pw = pointwise::HWY_NAMESPACE;

// A lane reads and writes as many elements of a row as its values hold, and has the functions on them. One that gets a
// null pointer reads zeros.

struct VectorLane {
  using D = hn::ScalableTag<float>;
  using T = float;
  using V = hn::Vec<D>;
  D d;
  pw::VectorMath<D> m{d};

  HWY_INLINE V load(const T* p) const { return hn::LoadU(d, p); }
  HWY_INLINE void store(V v, T* p) const { hn::StoreU(v, d, p); }
};

struct TailLane {
  using D = hn::ScalableTag<float>;
  using T = float;
  using V = hn::Vec<D>;
  D d;
  hn::Mask<D> which;
  pw::VectorMath<D> m{d};

  HWY_INLINE V load(const T* p) const { return hn::MaskedLoad(which, d, p); }
  HWY_INLINE void store(V v, T* p) const { hn::BlendedStore(v, which, d, p); }
};

struct ScalarLane {
  using T = double;
  using V = double;
  pw::ScalarMath m;

  static V load(const T* p) { return *p; }
  static void store(V v, T* p) { *p = v; }
};

template <class L>
HWY_INLINE auto load_or_zero(const L& lane, const typename L::T* p, std::int64_t at) {
  return p == nullptr ? lane.m.set(0) : lane.load(p + at);
}

/// What h gets in all: through the product of the step after, around it, and from the output.
template <class L, class Step>
HWY_INLINE auto total_diff_h(const L& lane, const Step& s, std::int64_t at) {
  return lane.load(s.product + at) + load_or_zero(lane, s.carry, at) + load_or_zero(lane, s.diff_h, at);
}

// In each: the elements from column j of a row, `at` being the row's place in matrices of one gate.

template <class L>
HWY_INLINE void element(const RnnForward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t) {
  const auto sum = lane.load(s.h + at) + lane.load(s.product + at);
  lane.store(s.relu ? lane.m.where_positive(sum, sum) : lane.m.tanh(sum), s.h + at);
}

template <class L>
HWY_INLINE void element(const RnnBackward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t) {
  const auto diff = total_diff_h(lane, s, at), h = lane.load(s.h + at);
  lane.store(s.relu ? lane.m.where_positive(h, diff) : diff * (lane.m.set(1) - h * h), s.diff_gates + at);
  if (s.carry != nullptr) lane.store(lane.m.set(0), s.carry + at);
}

template <class L>
HWY_INLINE void element(const LstmForward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t j) {
  const std::int64_t hidden = s.rows.hidden, first = 4 * (at - j) + j;
  typename L::T* const gates = s.gates + first;
  const typename L::T* const product = s.product + first;
  const auto sum = [&](std::int64_t gate)
                       HWY_ATTR { return lane.load(gates + gate * hidden) + lane.load(product + gate * hidden); };
  const auto i = lane.m.sigmoid(sum(0)), f = lane.m.sigmoid(sum(1)), g = lane.m.tanh(sum(2)),
             o = lane.m.sigmoid(sum(3));
  const auto c = f * lane.load(s.c_before + at) + i * g;
  const auto tanh_c = lane.m.tanh(c);
  lane.store(i, gates);
  lane.store(f, gates + hidden);
  lane.store(g, gates + 2 * hidden);
  lane.store(o, gates + 3 * hidden);
  lane.store(c, s.c + at);
  lane.store(tanh_c, s.tanh_c + at);
  lane.store(o * tanh_c, s.h + at);
}

template <class L>
HWY_INLINE void element(const LstmBackward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t j) {
  const std::int64_t hidden = s.rows.hidden, first = 4 * (at - j) + j;
  const typename L::T* const gates = s.gates + first;
  typename L::T* const diff_gates = s.diff_gates + first;
  const auto i = lane.load(gates), f = lane.load(gates + hidden), g = lane.load(gates + 2 * hidden),
             o = lane.load(gates + 3 * hidden), tanh_c = lane.load(s.tanh_c + at), one = lane.m.set(1);
  const auto diff_h = total_diff_h(lane, s, at);
  const auto diff_c = lane.load(s.diff_c + at) + diff_h * o * (one - tanh_c * tanh_c);
  lane.store(diff_c * g * i * (one - i), diff_gates);
  lane.store(diff_c * lane.load(s.c_before + at) * f * (one - f), diff_gates + hidden);
  lane.store(diff_c * i * (one - g * g), diff_gates + 2 * hidden);
  lane.store(diff_h * tanh_c * o * (one - o), diff_gates + 3 * hidden);
  lane.store(diff_c * f, s.diff_c + at);
  if (s.carry != nullptr) lane.store(lane.m.set(0), s.carry + at);
}

template <class L>
HWY_INLINE void element(const GruForward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t j) {
  const std::int64_t hidden = s.rows.hidden, first = 3 * (at - j) + j;
  typename L::T* const gates = s.gates + first;
  const typename L::T* const product = s.product + first;
  const auto r = lane.m.sigmoid(lane.load(gates) + lane.load(product)),
             z = lane.m.sigmoid(lane.load(gates + hidden) + lane.load(product + hidden));
  const auto q = lane.load(product + 2 * hidden) + load_or_zero(lane, s.bias_hn, j);
  const auto n = lane.m.tanh(lane.load(gates + 2 * hidden) + r * q);
  lane.store(r, gates);
  lane.store(z, gates + hidden);
  lane.store(n, gates + 2 * hidden);
  lane.store(q, s.q + at);
  lane.store(n + z * (lane.load(s.h_before + at) - n), s.h + at);
}

template <class L>
HWY_INLINE void element(const GruBackward<typename L::T>& s, const L& lane, std::int64_t at, std::int64_t j) {
  const std::int64_t hidden = s.rows.hidden, first = 3 * (at - j) + j;
  const typename L::T* const gates = s.gates + first;
  typename L::T* const diff_gates = s.diff_gates + first;
  typename L::T* const diff_product = s.diff_product + first;
  const auto r = lane.load(gates), z = lane.load(gates + hidden), n = lane.load(gates + 2 * hidden),
             one = lane.m.set(1);
  const auto diff_h = total_diff_h(lane, s, at);
  const auto diff_n = diff_h * (one - z) * (one - n * n);
  const auto diff_z = diff_h * (lane.load(s.h_before + at) - n) * z * (one - z);
  const auto diff_r = diff_n * lane.load(s.q + at) * r * (one - r);
  lane.store(diff_r, diff_gates);
  lane.store(diff_z, diff_gates + hidden);
  lane.store(diff_n, diff_gates + 2 * hidden);
  lane.store(diff_r, diff_product);
  lane.store(diff_z, diff_product + hidden);
  lane.store(diff_n * r, diff_product + 2 * hidden);
  lane.store(diff_h * z, s.carry + at);
}

// What a masked row does: its state stays as it was, and so does the gradient of its state.

template <class T>
void keep(const RnnForward<T>& s, std::int64_t at) {
  std::copy_n(s.h_before + at, s.rows.hidden, s.h + at);
}
template <class T>
void keep(const LstmForward<T>& s, std::int64_t at) {
  std::copy_n(s.h_before + at, s.rows.hidden, s.h + at);
  std::copy_n(s.c_before + at, s.rows.hidden, s.c + at);
}
template <class T>
void keep(const GruForward<T>& s, std::int64_t at) {
  std::copy_n(s.h_before + at, s.rows.hidden, s.h + at);
}
/// The product's part goes around this step as well. The output of a masked row is a constant 0: diff_h ends here.
template <class T>
void carry_on(const T* product, T* carry, std::int64_t at, std::int64_t hidden) {
  for (std::int64_t j = at; j < at + hidden; ++j) carry[j] += product[j];
}
template <class T>
void keep(const RnnBackward<T>& s, std::int64_t at) {
  carry_on(s.product, s.carry, at, s.rows.hidden);
  std::fill_n(s.diff_gates + at, s.rows.hidden, T{});
}
template <class T>
void keep(const LstmBackward<T>& s, std::int64_t at) {
  carry_on(s.product, s.carry, at, s.rows.hidden);
  std::fill_n(s.diff_gates + 4 * at, 4 * s.rows.hidden, T{});
}
template <class T>
void keep(const GruBackward<T>& s, std::int64_t at) {
  carry_on(s.product, s.carry, at, s.rows.hidden);
  std::fill_n(s.diff_gates + 3 * at, 3 * s.rows.hidden, T{});
  std::fill_n(s.diff_product + 3 * at, 3 * s.rows.hidden, T{});
}

template <class Step>
HWY_INLINE void run_vectors(const Step& step) {
  const std::int64_t hidden = step.rows.hidden;
  const VectorLane whole{};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(whole.d)), whole_columns = hidden / lanes * lanes;
  const TailLane tail{{}, hn::FirstN(whole.d, static_cast<std::size_t>(hidden - whole_columns))};
  for (std::int64_t row = 0; row < step.rows.count; ++row) {
    const std::int64_t at = row * hidden;
    if (!step.rows.steps(row)) {
      keep(step, at);
      continue;
    }
    for (std::int64_t j = 0; j < whole_columns; j += lanes) element(step, whole, at + j, j);
    if (whole_columns < hidden) element(step, tail, at + whole_columns, whole_columns);
  }
}

// The sums of a step's rows stay in registers, four vectors of columns at a time.
HWY_INLINE void add_columns(const float* rows, std::int64_t count, std::int64_t width, float* sums) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + 4 * lanes <= width; j += 4 * lanes) {
    auto a = hn::Zero(d), b = a, c = a, e = a;
    for (std::int64_t i = 0; i < count; ++i) {
      const float* const row = rows + i * width + j;
      a = hn::Add(a, hn::LoadU(d, row));
      b = hn::Add(b, hn::LoadU(d, row + lanes));
      c = hn::Add(c, hn::LoadU(d, row + 2 * lanes));
      e = hn::Add(e, hn::LoadU(d, row + 3 * lanes));
    }
    float* const to = sums + j;
    hn::StoreU(hn::Add(hn::LoadU(d, to), a), d, to);
    hn::StoreU(hn::Add(hn::LoadU(d, to + lanes), b), d, to + lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + 2 * lanes), c), d, to + 2 * lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + 3 * lanes), e), d, to + 3 * lanes);
  }
  for (; j < width; ++j) {
    float sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += rows[i * width + j];
    sums[j] += sum;
  }
}

template <class Step>
void run_scalars(const Step& step) {
  for (std::int64_t row = 0; row < step.rows.count; ++row) {
    const std::int64_t at = row * step.rows.hidden;
    if (!step.rows.steps(row)) {
      keep(step, at);
      continue;
    }
    for (std::int64_t j = 0; j < step.rows.hidden; ++j) element(step, ScalarLane{}, at + j, j);
  }
}

}  // namespace dagrad::recurrent::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
