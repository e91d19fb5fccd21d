// Wrong derivatives are found, and shown in a graph that has nothing in it but the fault.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/ops.h"
#include "random_dag/fault.h"
#include "random_dag/generate.h"
#include "random_dag/shrink.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
template <class T>
using X = std::span<const T>;

struct WrongTanh {
  static constexpr std::string_view name = "wrong_tanh";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    dst.copy_(tanh(src));
    ctx.save(dst);
  }
  // diff_src = diff_dst (1 - dst), where it should be dst^2
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * (1 - ctx.saved(0))); }
};

struct SquareOfOneOrder {
  static constexpr std::string_view name = "square_of_one_order";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    dst.copy_(square(src));
    ctx.save(src);
  }
  // diff_src = 2 src diff_dst, but src is taken for a constant when that is differentiated
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * ctx.saved(0).detach() * 2); }
};

struct DoubleThatIgnoresStrides {
  static constexpr std::string_view name = "double_that_ignores_strides";
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { dst.copy_(src * 2); }
  // diff_src = 2 diff_dst, read as if it were row-major
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Strides row_major = contiguous_strides(diff_dst.shape());
    ctx.give(0, (diff_dst.is_contiguous() ? diff_dst : diff_dst.alias(diff_dst.shape(), row_major, 0)) * 2);
  }
};

struct ProductThatForgetsWhenSquared {
  static constexpr std::string_view name = "product_that_forgets_when_squared";
  Spec infer(const Tensor& a, const Tensor& b) const { return {broadcast_shapes("mul", a.shape(), b.shape()), f64}; }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    dst.copy_(a * b);
    ctx.save(a);
    ctx.save(b);
  }
  // diff_a = diff_dst b, diff_b = diff_dst a, but one of both is left out for b = a
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor a = ctx.saved(0), b = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst * b, a.shape()));
    if (ctx.needs(1) && a.storage() != b.storage()) ctx.give(1, sum_to(diff_dst * a, b.shape()));
  }
};

struct SumThatAveragesWhatItBroadcast {
  static constexpr std::string_view name = "sum_that_averages_what_it_broadcast";
  Spec infer(const Tensor& a, const Tensor& b) const { return {broadcast_shapes("add", a.shape(), b.shape()), f64}; }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const { dst.copy_(a + b); }
  // diff_a = diff_dst summed to a's shape, where a mean is given
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    for (const std::size_t i : {0U, 1U}) {
      if (!ctx.needs(i)) continue;
      const double times = static_cast<double>(diff_dst.numel()) / static_cast<double>(count_of(ctx.input_shape(i)));
      ctx.give(i, sum_to(diff_dst, ctx.input_shape(i)) / times);
    }
  }
};

template <class Op>
Kind wrong(Formula formula, int operands) {
  static const std::string text = fmt::format("{}({})", Op::name, operands == 1 ? "#0" : "#0, #1");
  const Run run = [](In t) {
    if constexpr (requires(const Op& op) { op.infer(t[0]); })
      return apply(Op(), Location::current(), t[0]);
    else
      return apply(Op(), Location::current(), t[0], t[1]);
  };
  return kind_of({.text = text.c_str(), .run = run, .formula = formula, .regular = nullptr, .operands = operands});
}

/// The shrunk first program that shows a fault when `kind` is among all the others.
Program smallest_with(const Kind& kind) {
  static std::vector<Kind> kinds;  // programs point into it
  kinds = all_kinds();
  kinds.push_back(kind);
  const auto fails = [](const Program& program) { return fault_of(program).has_value(); };
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    const Program program = generate(seed, kinds);
    if (fails(program)) return shrink(program, fails);
  }
  return {};
}

/// Whether the fault was found, and shown by as few calls and numbers as this.
::testing::AssertionResult shows(const Program& program, std::string_view op, std::size_t calls, std::size_t numbers) {
  std::size_t call_count = 0, number_count = 0;
  bool found = false;
  for (const Statement& statement : program.statements) {
    call_count += statement.leaf() ? 0 : 1;
    number_count += statement.values.size();
    found = found || statement.text.starts_with(op);
  }
  if (found && call_count <= calls && number_count <= numbers) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << call_count << " calls, " << number_count << " numbers in\n" << program.str();
}

TEST(Faults, AWrongDerivativeIsShownByOneCallOnOneNumber) {
  const Program program = smallest_with(wrong<WrongTanh>([]<class T>(X<T> x) -> T { return tanh(x[0]); }, 1));
  EXPECT_EQ(program.str(),
            "  const Tensor t0 = tensor({1}, {}, f64).requires_grad_();\n"
            "  const Tensor t1 = wrong_tanh(t0);  // []\n"
            "  grad(std::vector<Tensor>{t1}, std::vector<Tensor>{t0}, std::vector<Tensor>{tensor({1}, {}, f64)}, "
            "{.allow_unused = true});\n");
  const std::string fault = fault_of(program).value_or("nothing");
  EXPECT_TRUE(fault.starts_with("the gradient of t0[0] is 0.238405844044")) << fault;
  EXPECT_NE(fault.find("(want 0.4199743416140"), std::string::npos) << fault;
}

TEST(Faults, AMissingSecondDerivativeIsShownByTheCallAlone) {
  const Program program = smallest_with(wrong<SquareOfOneOrder>([]<class T>(X<T> x) -> T { return x[0] * x[0]; }, 1));
  EXPECT_TRUE(shows(program, "square_of_one_order", 1, 1));
  EXPECT_EQ(program.request, Request::grad_of_grad);
}

// A call behind the view may be left, since a gradient that lies in line shows nothing.
TEST(Faults, IgnoredStridesAreShownByTheCallAndAView) {
  EXPECT_TRUE(
      shows(smallest_with(wrong<DoubleThatIgnoresStrides>([]<class T>(X<T> x) -> T { return x[0] * T(2.0); }, 1)),
            "double_that_ignores_strides", 3, 6));
}

TEST(Faults, ATensorUsedTwiceIsShownByTheCallAlone) {
  EXPECT_TRUE(
      shows(smallest_with(wrong<ProductThatForgetsWhenSquared>([]<class T>(X<T> x) -> T { return x[0] * x[1]; }, 2)),
            "product_that_forgets_when_squared", 1, 1));
}

TEST(Faults, AnUnsummedBroadcastIsShownByTheCallAlone) {
  EXPECT_TRUE(
      shows(smallest_with(wrong<SumThatAveragesWhatItBroadcast>([]<class T>(X<T> x) -> T { return x[0] + x[1]; }, 2)),
            "sum_that_averages_what_it_broadcast", 1, 4));
}

TEST(Faults, AThrowingBackwardIsShownByItsMessage) {
  const Kind kind =
      kind_of({.text = "unfinished(#0)",
               .run =
                   [](In t) {
                     Tensor result = exp(t[0]);
                     if (result.requires_grad())
                       result.register_hook([](const Tensor&) -> Tensor { throw GradientError("not written yet"); });
                     return result;
                   },
               .formula = []<class T>(X<T> x) -> T { return exp(x[0]); }});
  const Program program = smallest_with(kind);
  EXPECT_TRUE(shows(program, "unfinished", 1, 1));
  EXPECT_EQ(fault_of(program), "throws: not written yet");
}

}  // namespace
}  // namespace dagrad::random_dag
