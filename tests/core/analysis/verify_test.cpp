#include "dagrad/core/analysis/verify.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <optional>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// Doubles its input; in f32 it is off by a part of `error` in element `at`.
struct Faulty {
  static constexpr std::string_view name = "faulty";
  double error;
  std::int64_t at = 0;
  bool in_backward = false;

  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    visit_dtype(src.dtype(), [&]<class T>(T) {
      for (std::int64_t i = 0; i < src.numel(); ++i) {
        const double exact = 2 * convert_to<double>(src.data<T>()[i]);
        const bool off = dtype_of<T> != f64 && i == at && !in_backward;
        dst.mutable_data<T>()[i] = convert_to<T>(off ? exact * (1 + error) : exact);
      }
    });
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(Faulty{error, at, false}, Location::current(), diff_dst));
  }
};

/// Counts how often its forward ran, which a second run would change.
struct Stateful {
  static constexpr std::string_view name = "stateful";
  static constexpr bool verifiable = false;
  int* runs;
  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    ++*runs;
    dst.copy_(src);
  }
};

Mismatch mismatch_of(const std::function<void()>& program) {
  std::optional<Mismatch> first;
  const VerifyMode verify({.on_mismatch = [&](const Mismatch& m) {
    if (!first) first = m;
  }});
  program();
  return first.value_or(Mismatch{});
}

TEST(VerifyMode, PassesCorrectOpsAndTheirBackwards) {
  manual_seed(3);
  Tensor w = randn({65, 33}).requires_grad_(), x = randn({17, 65});
  const VerifyMode verify;
  sum(tanh(matmul(x, w)) * relu(matmul(x, w))).backward();
  EXPECT_GT(verify.compared(), 9u);
  EXPECT_TRUE(verify.passed_over().empty());
}

TEST(VerifyMode, NamesTheOpThePlaceTheIndexAndBothValues) {
  const Tensor x = full({2, 3}, 1.5);
  const Mismatch m = mismatch_of([&] { (void)apply(Faulty{1e-3, 4}, Location{"model.cpp", 12}, x); });
  EXPECT_EQ(m.op, "faulty");
  EXPECT_EQ(m.place, "'faulty' at model.cpp:12");
  EXPECT_EQ(m.index, (Shape{1, 1}));
  EXPECT_DOUBLE_EQ(m.got, static_cast<double>(3.003f));
  EXPECT_DOUBLE_EQ(m.want, 3);
}

TEST(VerifyMode, ThrowsPrecisionErrorBeforeTheOpIsRecorded) {
  const Tensor x = full({2}, 1.5).requires_grad_();
  const VerifyMode verify;
  try {
    (void)apply(Faulty{0.5, 1}, Location{"model.cpp", 12}, x);
    FAIL() << "no error";
  } catch (const PrecisionError& error) {
    EXPECT_STREQ(error.what(),
                 "verify: 'faulty' at model.cpp:12: result 0 is 4.5 at index [1]: its f64 kernel gives 3 "
                 "(want at most 2.29e-05 between them)");
  }
}

TEST(VerifyMode, NamesTheForwardWhoseBackwardIsOff) {
  const Tensor x = full({4}, 1.5).requires_grad_();
  const Tensor y = apply(Faulty{1e-3, 2, true}, Location{"model.cpp", 12}, x);
  const Mismatch m = mismatch_of([&] { y.backward(ones({4})); });
  EXPECT_EQ(m.place, "'faulty' in the backward of 'faulty', recorded at model.cpp:12");
}

TEST(VerifyMode, SeesErrorsInBf16) {
  const Tensor x = full({4}, 1.5, bf16);
  EXPECT_EQ(mismatch_of([&] { (void)apply(Faulty{0.002}, {}, x); }).op, "");
  EXPECT_EQ(mismatch_of([&] { (void)apply(Faulty{0.1}, {}, x); }).op, "faulty");
}

TEST(VerifyMode, AllowsForCancellation) {
  manual_seed(1);
  const Tensor x = randn({1 << 14});
  const VerifyMode verify;
  (void)sum(x - mean(x));
}

TEST(VerifyMode, HasABoundThatCanBeSet) {
  const Tensor x = full({4}, 1.5);
  const VerifyMode loose({.f32_roundings = 1 << 20});
  (void)apply(Faulty{1e-3}, {}, x);
}

TEST(VerifyMode, TakesOverflowToInfinityForCorrect) {
  const VerifyMode verify;
  (void)(full({2}, 3e38) * full({2}, 3e38));
}

TEST(VerifyMode, DrawsTheSameRandomNumbers) {
  const VerifyMode verify;
  (void)dropout(ones({1000}), 0.5);
  EXPECT_EQ(verify.compared(), 1u);
}

TEST(VerifyMode, PassesOverViewsAndOpsWithAState) {
  int runs = 0;
  const VerifyMode verify;
  (void)apply(Stateful{&runs}, {}, transpose(ones({2, 3}), 0, 1));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(verify.passed_over(), (std::map<std::string, std::size_t>{{"stateful", 1}}));
}

TEST(VerifyMode, EndsWithItsScope) {
  { const VerifyMode verify; }
  (void)apply(Faulty{1e-3}, {}, ones({4}));
}

}  // namespace
}  // namespace dagrad
