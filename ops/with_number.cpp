// Ops of a tensor and a number, for which no tensor is made of the number: larger and smaller, remainders, choices.
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/choose_row.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using pointwise::Binary;

constexpr std::int64_t kGrain = 32 << 10;

/// f(src, number), or f(number, src), by the kernel of two tensors.
template <class Derived, Binary kFunction>
struct WithNumber {
  double number = 0;
  bool first = false;  // f(number, src)

  std::string attributes() const { return first ? fmt::format("{}, x", number) : fmt::format("x, {}", number); }
  Spec infer(const Tensor& src) const {
    pointwise::check_type(Derived::name, src.dtype(), true);
    pointwise::check_number(Derived::name, number, src.dtype());
    return src.spec_with_format();
  }

 protected:
  void run(const Tensor& src, Tensor& dst) const {
    if (first)
      pointwise::binary(kFunction, number, src, dst);
    else
      pointwise::binary(kFunction, src, number, dst);
  }
};

/// The larger or the smaller, whichever side the number stands on.
template <class Derived, Binary kFunction>
struct Extremum : WithNumber<Derived, kFunction> {
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    this->run(src, dst);
    ctx.save(src);
  }
  // diff_src = diff_dst ([src wins] + [src = number] / 2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0);
    const Tensor wins = to(Derived::beats(src, this->number), src.dtype());
    ctx.give(0, diff_dst * (wins + to(eq(src, this->number), src.dtype()) * 0.5));
  }
};

struct MaximumNumber : Extremum<MaximumNumber, Binary::maximum> {
  static constexpr std::string_view name = "maximum_number";
  static Tensor beats(const Tensor& a, double b) { return gt(a, b); }
};
struct MinimumNumber : Extremum<MinimumNumber, Binary::minimum> {
  static constexpr std::string_view name = "minimum_number";
  static Tensor beats(const Tensor& a, double b) { return lt(a, b); }
};

/// fmod and remainder.
template <class Derived, Binary kFunction>
struct Modulo : WithNumber<Derived, kFunction> {
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    if (src.dtype() == i64 && src.numel() > 0 &&
        (this->first ? any(eq(src, 0)).template item<bool>() : this->number == 0))
      throw UsageError(fmt::format("{}: i64 by 0 (want no 0 in b, or floating types)", Derived::name));
    this->run(src, dst);
    if (!this->first) return;
    ctx.save(src);
    ctx.save(dst);
  }
  // src mod number: diff_src = diff_dst
  // number mod src, with the whole number q = (number - dst) / src: diff_src = -diff_dst q
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!this->first) return ctx.give(0, diff_dst);
    ctx.give(0, neg(diff_dst * round((this->number - ctx.saved(1)) / ctx.saved(0))));
  }
};

struct FmodNumber : Modulo<FmodNumber, Binary::fmod> {
  static constexpr std::string_view name = "fmod_number";
};
struct RemainderNumber : Modulo<RemainderNumber, Binary::remainder> {
  static constexpr std::string_view name = "remainder_number";
};

/// dst[i] = condition[i] == taken ? src[i] : number, broadcast.
struct WhereNumber {
  static constexpr std::string_view name = "where_number";
  double number;
  bool taken;

  std::string attributes() const { return taken ? fmt::format("x, {}", number) : fmt::format("{}, x", number); }

  Spec infer(const Tensor& condition, const Tensor& src) const {
    if (condition.dtype() != boolean)
      throw DTypeError(fmt::format("where: {} (want bool)", name_of(condition.dtype())));
    pointwise::check_number("where", number, src.dtype());
    return {broadcast_shapes("where", condition.shape(), src.shape()), src.dtype(), src.format()};
  }

  void forward(Forward& ctx, const Tensor& condition, const Tensor& src, Tensor& dst) const {
    ctx.save(condition);
    if (dst.numel() == 0) return;
    const auto stretch = [&dst](const Tensor& t) { return broadcast_strides(t.shape(), t.strides(), dst.shape()); };
    const Strides of_condition = stretch(condition), of_src = stretch(src);
    const StridedLoop<3> loop(dst.shape(), {&dst.strides(), &of_condition, &of_src});
    const bool* test = condition.data<bool>();
    visit_dtype(dst.dtype(), [&]<class T>(T) {
      T* to = dst.mutable_data<T>();
      const T* from = src.data<T>();
      const T other = convert_to<T>(number);
      for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
        T* const row = to + at[0];
        const std::int64_t step = loop.row_stride(0), test_step = loop.row_stride(1), src_step = loop.row_stride(2);
        if (taken)
          choose_row(row, step, test + at[1], test_step, from + at[2], src_step, &other, 0, count);
        else
          choose_row(row, step, test + at[1], test_step, &other, 0, from + at[2], src_step, count);
      });
    });
  }

  // diff_src = diff_dst where it was taken, else exactly 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor diff = apply(WhereNumber{0, taken}, Location::current(), ctx.saved(0), diff_dst);
    ctx.give(1, sum_to(diff, ctx.input_shape(1)));
  }
};

}  // namespace

Tensor maximum(const Tensor& a, double b, Location where) { return apply(MaximumNumber{{b}}, where, a); }
Tensor maximum(double a, const Tensor& b, Location where) { return apply(MaximumNumber{{a}}, where, b); }
Tensor minimum(const Tensor& a, double b, Location where) { return apply(MinimumNumber{{b}}, where, a); }
Tensor minimum(double a, const Tensor& b, Location where) { return apply(MinimumNumber{{a}}, where, b); }
Tensor fmod(const Tensor& a, double b, Location where) { return apply(FmodNumber{{b}}, where, a); }
Tensor fmod(double a, const Tensor& b, Location where) { return apply(FmodNumber{{a, true}}, where, b); }
Tensor remainder(const Tensor& a, double b, Location where) { return apply(RemainderNumber{{b}}, where, a); }
Tensor remainder(double a, const Tensor& b, Location where) { return apply(RemainderNumber{{a, true}}, where, b); }

Tensor where(const Tensor& condition, const Tensor& a, double b, Location at) {
  return apply(WhereNumber{b, true}, at, condition, a);
}
Tensor where(const Tensor& condition, double a, const Tensor& b, Location at) {
  return apply(WhereNumber{a, false}, at, condition, b);
}

}  // namespace dagrad
