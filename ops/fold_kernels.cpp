#include "dagrad/ops/fold_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/fold_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/fold_formulas-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::fold::HWY_NAMESPACE {

/// Loads floats as they are, or as the f64 that a wide formula computes in.
template <class D>
struct Loader {
  D d;
  using V = hn::Vec<D>;
  static constexpr bool kWide = sizeof(hn::TFromD<D>) == 8;

  HWY_INLINE V operator()(const float* x) const {
    if constexpr (kWide)
      return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
    else
      return hn::LoadU(d, x);
  }
  HWY_INLINE V first(const float* x, std::size_t count) const {
    if constexpr (kWide) {
      const hn::Rebind<float, D> narrow;
      return hn::PromoteTo(d, hn::MaskedLoad(hn::FirstN(narrow, count), narrow, x));
    } else {
      return hn::MaskedLoad(hn::FirstN(d, count), d, x);
    }
  }
};

/// The fold of a vector's lanes. By halves, as a tree: so a sum's chain of roundings is short.
template <class Formula, class D>
HWY_INLINE hn::TFromD<D> lanes_as_one([[maybe_unused]] D d, hn::Vec<D> v) {
#if HWY_TARGET != HWY_SCALAR
  const Math<D> m{d};
  if constexpr (hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) > 16) {
    const hn::Half<D> half;
    const Math<hn::Half<D>> of_half{half};
    return lanes_as_one<Formula>(half, Formula::fold(of_half, hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else if constexpr (sizeof(hn::TFromD<D>) == 4) {
    v = Formula::fold(m, v, hn::Shuffle1032(v));
    v = Formula::fold(m, v, hn::Shuffle2301(v));
  } else {
    v = Formula::fold(m, v, hn::Shuffle01(v));
  }
#endif
  return hn::GetLane(v);
}

template <class Formula, class D>
HWY_NOINLINE double row_of(D d, const float* x, std::int64_t count, double centre) {
  const Math<D> m{d};
  const Loader<D> load{d};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto c = m.set(centre), neutral = m.set(Formula::kStart);
  auto a0 = neutral, a1 = neutral, a2 = neutral, a3 = neutral;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a0 = Formula::fold(m, a0, Formula::map(m, load(x + i), c));
    a1 = Formula::fold(m, a1, Formula::map(m, load(x + i + lanes), c));
    a2 = Formula::fold(m, a2, Formula::map(m, load(x + i + 2 * lanes), c));
    a3 = Formula::fold(m, a3, Formula::map(m, load(x + i + 3 * lanes), c));
  }
  for (; i + lanes <= count; i += lanes) a0 = Formula::fold(m, a0, Formula::map(m, load(x + i), c));
  if (i < count) {
    const auto rest = static_cast<std::size_t>(count - i);
    const auto mapped = Formula::map(m, load.first(x + i, rest), c);
    a1 = Formula::fold(m, a1, hn::IfThenElse(hn::FirstN(d, rest), mapped, neutral));
  }
  return static_cast<double>(
      lanes_as_one<Formula>(d, Formula::fold(m, Formula::fold(m, a0, a1), Formula::fold(m, a2, a3))));
}

/// into[j] = fold(into[j], the rows), four rows at a time.
template <class Formula, class D>
HWY_NOINLINE void columns_of(D d, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count,
                             const hn::TFromD<D>* c, hn::TFromD<D>* into) {
  const Math<D> m{d};
  const Loader<D> load{d};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto centre = [&](std::int64_t j) HWY_ATTR { return Formula::kCentred ? hn::LoadU(d, c + j) : m.set(0); };
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const float* x0 = x + i * stride;
    const float* x1 = x0 + stride;
    const float* x2 = x1 + stride;
    const float* x3 = x2 + stride;
    const auto four = [&](const auto& from, std::int64_t j) HWY_ATTR {
      const auto b = centre(j);
      const auto first = Formula::fold(m, Formula::map(m, from(x0 + j), b), Formula::map(m, from(x1 + j), b));
      const auto second = Formula::fold(m, Formula::map(m, from(x2 + j), b), Formula::map(m, from(x3 + j), b));
      hn::StoreU(Formula::fold(m, hn::LoadU(d, into + j), Formula::fold(m, first, second)), d, into + j);
    };
    std::int64_t j = 0;
    for (; j + lanes <= count; j += lanes) four(load, j);
    if (j < count) {
      const auto rest = static_cast<std::size_t>(count - j);
      four([&](const float* at) HWY_ATTR { return load.first(at, rest); }, j);
    }
  }
  for (; i < rows; ++i) {
    const float* x0 = x + i * stride;
    const auto one = [&](const auto& from, std::int64_t j) HWY_ATTR {
      hn::StoreU(Formula::fold(m, hn::LoadU(d, into + j), Formula::map(m, from(x0 + j), centre(j))), d, into + j);
    };
    std::int64_t j = 0;
    for (; j + lanes <= count; j += lanes) one(load, j);
    if (j < count) {
      const auto rest = static_cast<std::size_t>(count - j);
      one([&](const float* at) HWY_ATTR { return load.first(at, rest); }, j);
    }
  }
}

double row_f32(Kind kind, const float* x, std::int64_t count, double c) {
  double result = 0;
  with_formula(kind, [&]<class Formula>(Formula) HWY_ATTR {
    result = row_of<Formula>(hn::ScalableTag<typename Formula::Type>(), x, count, c);
  });
  return result;
}

// `c` and `into` are padded to whole vectors, of f32 or f64 as the formula wants.
void columns_f32(Kind kind, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const void* c,
                 void* into) {
  with_formula(kind, [&]<class Formula>(Formula) HWY_ATTR {
    using T = typename Formula::Type;
    columns_of<Formula>(hn::ScalableTag<T>(), x, stride, rows, count, static_cast<const T*>(c), static_cast<T*>(into));
  });
}

}  // namespace dagrad::fold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <array>
#include <limits>

namespace dagrad::fold {
namespace {

HWY_EXPORT(row_f32);
HWY_EXPORT(columns_f32);

using HWY_NAMESPACE::Scalar;
using HWY_NAMESPACE::with_formula;

constexpr std::int64_t kWidth = 1024, kPadding = 64;  // columns at a time; elements past them that a vector may touch

template <class T>
using Columns = std::array<T, kWidth + kPadding>;

/// Through buffers of the type that the formula computes in.
template <class T>
void columns_in(Kind kind, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const double* c,
                double* into) {
  alignas(64) Columns<T> folded;
  alignas(64) Columns<T> centres;
  const auto neutral = static_cast<T>(start(kind));
  for (std::int64_t j = 0; j < count + kPadding; ++j) folded[static_cast<std::size_t>(j)] = neutral;
  if (c != nullptr) {
    for (std::int64_t j = 0; j < count; ++j) centres[static_cast<std::size_t>(j)] = static_cast<T>(c[j]);
    for (std::int64_t j = count; j < count + kPadding; ++j) centres[static_cast<std::size_t>(j)] = 0;
  }
  HWY_DYNAMIC_DISPATCH(columns_f32)(kind, x, stride, rows, count, centres.data(), folded.data());
  with_formula(kind, [&]<class Formula>(Formula) {
    for (std::int64_t j = 0; j < count; ++j)
      into[j] = Formula::fold(Scalar<double>(), into[j], static_cast<double>(folded[static_cast<std::size_t>(j)]));
  });
}

bool is_wide(Kind kind) {
  bool wide = false;
  with_formula(kind, [&]<class Formula>(Formula) { wide = sizeof(typename Formula::Type) == 8; });
  return wide;
}

/// Calls `use` with what joins two integers.
template <class Use>
void with_integer_join(Kind kind, const Use& use) {
  const auto wrap = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  using U = std::uint64_t;
  switch (kind) {
    case Kind::product:
      return use([wrap](std::int64_t a, std::int64_t b) { return wrap(static_cast<U>(a) * static_cast<U>(b)); });
    case Kind::largest: return use([](std::int64_t a, std::int64_t b) { return a > b ? a : b; });
    case Kind::smallest: return use([](std::int64_t a, std::int64_t b) { return a < b ? a : b; });
    default: return use([wrap](std::int64_t a, std::int64_t b) { return wrap(static_cast<U>(a) + static_cast<U>(b)); });
  }
}

}  // namespace

double start(Kind kind) {
  double result = 0;
  with_formula(kind, [&]<class Formula>(Formula) { result = Formula::kStart; });
  return result;
}

double join(Kind kind, double a, double b) {
  double result = 0;
  with_formula(kind, [&]<class Formula>(Formula) { result = Formula::fold(Scalar<double>(), a, b); });
  return result;
}

double row(Kind kind, const float* x, std::int64_t count, double c) {
  return HWY_DYNAMIC_DISPATCH(row_f32)(kind, x, count, c);
}

void columns(Kind kind, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const double* c,
             double* into) {
  if (is_wide(kind))
    columns_in<double>(kind, x, stride, rows, count, c, into);
  else
    columns_in<float>(kind, x, stride, rows, count, c, into);
}

double row(Kind kind, const double* x, std::int64_t count, double c) {
  double result = start(kind);
  with_formula(kind, [&]<class Formula>(Formula) {
    const Scalar<double> m;
    for (std::int64_t i = 0; i < count; ++i) result = Formula::fold(m, result, Formula::map(m, x[i], c));
  });
  return result;
}

void columns(Kind kind, const double* x, std::int64_t stride, std::int64_t rows, std::int64_t count, const double* c,
             double* into) {
  with_formula(kind, [&]<class Formula>(Formula) {
    const Scalar<double> m;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < count; ++j)
        into[j] = Formula::fold(m, into[j], Formula::map(m, x[i * stride + j], c == nullptr ? 0 : c[j]));
    }
  });
}

std::int64_t start_of_integers(Kind kind) {
  switch (kind) {
    case Kind::product: return 1;
    case Kind::largest: return std::numeric_limits<std::int64_t>::min();
    case Kind::smallest: return std::numeric_limits<std::int64_t>::max();
    default: return 0;
  }
}

std::int64_t join(Kind kind, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  with_integer_join(kind, [&](const auto& of) { result = of(a, b); });
  return result;
}

std::int64_t row(Kind kind, const std::int64_t* x, std::int64_t count) {
  std::int64_t result = start_of_integers(kind);
  with_integer_join(kind, [&](const auto& of) {
    if (kind == Kind::count_of_nonzeros) {
      for (std::int64_t i = 0; i < count; ++i) result += x[i] != 0;
    } else {
      for (std::int64_t i = 0; i < count; ++i) result = of(result, x[i]);
    }
  });
  return result;
}

void columns(Kind kind, const std::int64_t* x, std::int64_t stride, std::int64_t rows, std::int64_t count,
             std::int64_t* into) {
  with_integer_join(kind, [&](const auto& of) {
    for (std::int64_t i = 0; i < rows; ++i) {
      if (kind == Kind::count_of_nonzeros) {
        for (std::int64_t j = 0; j < count; ++j) into[j] += x[i * stride + j] != 0;
      } else {
        for (std::int64_t j = 0; j < count; ++j) into[j] = of(into[j], x[i * stride + j]);
      }
    }
  });
}

}  // namespace dagrad::fold
#endif
