#include "dagrad/ops/comparison.h"

#include <cmath>
#include <fmt/format.h>
#include <string>
#include <type_traits>

#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 32 << 10;

/// dst = test(a, b), element by element.
template <class Test>
void compare(const Tensor& a, const Tensor& b, Tensor& dst, const Test& test) {
  if (dst.numel() == 0) return;
  const Strides strides_a = broadcast_strides(a.shape(), a.strides(), dst.shape());
  const Strides strides_b = broadcast_strides(b.shape(), b.strides(), dst.shape());
  const Strides& dst_strides = dst.strides();
  const StridedLoop<3> loop(dst.shape(), {&dst_strides, &strides_a, &strides_b});
  bool* to = dst.mutable_data<bool>();
  visit_dtype(a.dtype(), [&]<class T>(T) {
    const T* from_a = a.data<T>();
    const T* from_b = b.data<T>();
    const std::int64_t step_a = loop.row_stride(1), step_b = loop.row_stride(2);
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
      const T* x = from_a + at[1];
      const T* y = from_b + at[2];
      for (std::int64_t i = 0; i < count; ++i) {
        if constexpr (std::is_same_v<T, BFloat16>)
          to[at[0] + i] = test(static_cast<float>(x[i * step_a]), static_cast<float>(y[i * step_b]));
        else
          to[at[0] + i] = test(x[i * step_a], y[i * step_b]);
      }
    });
  });
}

/// dst = test(a, number), with the number in a's type; small integers and truth values are compared as i64, which holds
/// numbers that they do not.
template <class Test>
void compare(const Tensor& a, double number, Tensor& dst, const Test& test) {
  if (dst.numel() == 0) return;
  const StridedLoop<2> loop(dst.shape(), {&dst.strides(), &a.strides()});
  bool* to = dst.mutable_data<bool>();
  visit_dtype(a.dtype(), [&]<class T>(T) {
    using Floating = std::conditional_t<std::is_same_v<T, BFloat16>, float, T>;
    using C = std::conditional_t<is_floating(dtype_of<T>), Floating, std::int64_t>;
    using Held = std::conditional_t<is_floating(dtype_of<T>), T, C>;
    const T* from = a.data<T>();
    const std::int64_t step = loop.row_stride(1);
    const auto run = [&](auto y) {
      for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
        const T* x = from + at[1];
        bool* const row = to + at[0];
        if (step == 1) {
          for (std::int64_t i = 0; i < count; ++i) row[i] = test(convert_to<decltype(y)>(x[i]), y);
        } else {
          for (std::int64_t i = 0; i < count; ++i) row[i] = test(convert_to<decltype(y)>(x[i * step]), y);
        }
      });
    };
    // Truth values beside one of them stay bytes: sixteen at a time in place of two.
    if constexpr (std::is_same_v<T, bool>) {
      if (number == 0 || number == 1) return run(static_cast<std::uint8_t>(number));
    }
    run(convert_to<C>(convert_to<Held>(number)));
  });
}

struct Eq {
  static constexpr std::string_view name = "eq";
  static bool test(auto a, auto b) { return a == b; }
};
struct Ne {
  static constexpr std::string_view name = "ne";
  static bool test(auto a, auto b) { return a != b; }
};
struct Lt {
  static constexpr std::string_view name = "lt";
  static bool test(auto a, auto b) { return a < b; }
};
struct Le {
  static constexpr std::string_view name = "le";
  static bool test(auto a, auto b) { return a <= b; }
};
struct Gt {
  static constexpr std::string_view name = "gt";
  static bool test(auto a, auto b) { return a > b; }
};
struct Ge {
  static constexpr std::string_view name = "ge";
  static bool test(auto a, auto b) { return a >= b; }
};

Spec result_of(std::string_view name, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    throw DTypeError(fmt::format("{}: element types differ: {} and {} (want one type; cast with to())", name,
                                 name_of(a.dtype()), name_of(b.dtype())));
  }
  return {broadcast_shapes(name, a.shape(), b.shape()), boolean};
}

template <class Which>
struct Comparison {
  static constexpr std::string_view name = Which::name;
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return result_of(name, a, b); }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const {
    compare(a, b, dst, [](auto x, auto y) { return Which::test(x, y); });
  }
};

struct IsClose {
  static constexpr std::string_view name = "isclose";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  CloseOptions options;

  std::string attributes() const {
    return fmt::format("rtol={}, atol={}{}", options.rtol, options.atol, options.equal_nan ? ", equal_nan" : "");
  }
  Spec infer(const Tensor& a, const Tensor& b) const {
    if (!(options.rtol >= 0) || !(options.atol >= 0)) {
      throw UsageError(fmt::format("isclose: rtol is {}, atol is {} (want numbers >= 0)", options.rtol, options.atol));
    }
    return result_of(name, a, b);
  }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const {
    compare(a, b, dst, [this](auto x, auto y) { return test(static_cast<double>(x), static_cast<double>(y)); });
  }

 private:
  bool test(double x, double y) const {
    if (x == y) return true;
    if (std::isnan(x) && std::isnan(y)) return options.equal_nan;
    return std::isfinite(y) && std::abs(x - y) <= options.atol + options.rtol * std::abs(y);
  }
};

template <class Which>
struct ComparisonWithNumber {
  static constexpr std::string_view name = Which::name;
  double number;
  std::string attributes() const { return fmt::format("{}", number); }
  Spec infer(const Tensor& a) const {
    pointwise::check_number(name, number, a.dtype());
    return {a.shape(), boolean};
  }
  void forward(Forward&, const Tensor& a, Tensor& dst) const {
    compare(a, number, dst, [](auto x, auto y) { return Which::test(x, y); });
  }
};

template <class Which>
Tensor against_number(const Tensor& a, double b, Location where) {
  return apply(ComparisonWithNumber<Which>{b}, where, a);
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Eq>{}, where, a, b); }
Tensor ne(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Ne>{}, where, a, b); }
Tensor lt(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Lt>{}, where, a, b); }
Tensor le(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Le>{}, where, a, b); }
Tensor gt(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Gt>{}, where, a, b); }
Tensor ge(const Tensor& a, const Tensor& b, Location where) { return apply(Comparison<Ge>{}, where, a, b); }

Tensor eq(const Tensor& a, double b, Location where) { return against_number<Eq>(a, b, where); }
Tensor ne(const Tensor& a, double b, Location where) { return against_number<Ne>(a, b, where); }
Tensor lt(const Tensor& a, double b, Location where) { return against_number<Lt>(a, b, where); }
Tensor le(const Tensor& a, double b, Location where) { return against_number<Le>(a, b, where); }
Tensor gt(const Tensor& a, double b, Location where) { return against_number<Gt>(a, b, where); }
Tensor ge(const Tensor& a, double b, Location where) { return against_number<Ge>(a, b, where); }

Tensor eq(double a, const Tensor& b, Location where) { return eq(b, a, where); }
Tensor ne(double a, const Tensor& b, Location where) { return ne(b, a, where); }
Tensor lt(double a, const Tensor& b, Location where) { return gt(b, a, where); }
Tensor le(double a, const Tensor& b, Location where) { return ge(b, a, where); }
Tensor gt(double a, const Tensor& b, Location where) { return lt(b, a, where); }
Tensor ge(double a, const Tensor& b, Location where) { return le(b, a, where); }

Tensor isclose(const Tensor& a, const Tensor& b, const CloseOptions& options, Location where) {
  return apply(IsClose{options}, where, a, b);
}

bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options, Location where) {
  return all(isclose(a, b, options, where), {}, false, where).item<bool>();
}

bool equal(const Tensor& a, const Tensor& b, Location where) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return all(eq(a, b, where), {}, false, where).item<bool>();
}

}  // namespace dagrad
