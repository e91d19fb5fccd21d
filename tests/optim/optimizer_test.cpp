// What all optimizers share: which parameters they change, what they refuse, groups, options by name, states.
#include <bit>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

TEST(Adam, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto run = [](int threads) {
    const ThreadLimit limit(threads);
    Generator generator(1);
    Tensor p = randn({100'003}, f32, generator).requires_grad_();
    Adam optimizer({p});
    for (int i = 0; i < 3; ++i) {
      p.set_grad(randn({100'003}, f32, generator));
      optimizer.step();
    }
    return p.to_vector<float>();
  };
  EXPECT_EQ(run(1), run(2));
}

template <class O>
void expect_a_rate_in_place_of_options() {
  const Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  const std::vector<Tensor> parameters{a, b};
  const typename O::Options defaults;
  EXPECT_EQ(O(parameters, 0.25).lr(), 0.25);
  EXPECT_EQ(O(parameters, 0.25f).lr(), 0.25);
  EXPECT_EQ(O({a, b}, 2).lr(), 2);
  EXPECT_EQ(O(parameters, {}).lr(), defaults.lr) << "empty braces are no rate";
  EXPECT_EQ(O(parameters, {.lr = 0.5}).lr(), 0.5);
  expect_error_with<UsageError>([&] { O(parameters, -1); }, "lr is -1");
}

TEST(Optimizer, TakesARateInPlaceOfOptions) {
  expect_a_rate_in_place_of_options<SGD>();
  expect_a_rate_in_place_of_options<SGDW>();
  expect_a_rate_in_place_of_options<Adagrad>();
  expect_a_rate_in_place_of_options<RMSprop>();
  expect_a_rate_in_place_of_options<Adadelta>();
  expect_a_rate_in_place_of_options<Adam>();
  expect_a_rate_in_place_of_options<AdamW>();
  expect_a_rate_in_place_of_options<Adamax>();
  expect_a_rate_in_place_of_options<NAdam>();
  expect_a_rate_in_place_of_options<RAdam>();
  expect_a_rate_in_place_of_options<Lion>();
  expect_a_rate_in_place_of_options<Rprop>();
  expect_a_rate_in_place_of_options<Adafactor>();
  expect_a_rate_in_place_of_options<LBFGS>();
  expect_a_rate_in_place_of_options<WeightPerturbation>();
}

TEST(Optimizer, LeavesParametersWithoutAGradientAlone) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  SGD optimizer({a, b}, {.lr = 1});
  sum(a * 3).backward();
  optimizer.step();
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{-2, -2}));
  EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(Optimizer, ClearsGradients) {
  const Tensor a = ones({2}).requires_grad_();
  SGD optimizer({a});
  sum(a).backward();
  optimizer.zero_grad(false);
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{0, 0}));
  optimizer.zero_grad();
  EXPECT_FALSE(a.grad().defined());
}

TEST(Optimizer, RefusesWhatCannotBeMeant) {
  const Tensor p = ones({2}).requires_grad_(), constant = ones({2});
  expect_error<UsageError>([&] { SGD({p}, {.lr = -1}); }, "SGD: lr is -1 (want a finite number >= 0)");
  expect_error<UsageError>([&] { SGD({p}, {.nesterov = true}); },
                           "SGD: nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
  expect_error<UsageError>([&] { Adam({p}, {.betas = {0.9, 1.0}}); }, "Adam: betas.second is 1 (want 0 <= beta < 1)");
  expect_error<UsageError>(
      [&] {
        Adam({p, p});
      },
      "Adam: parameter 1 of shape [2] is parameter 0 again (want each once)");
  expect_error<UsageError>([&] { Adam({constant}); },
                           "Adam: parameter 0 of shape [2] requires no gradient (want requires_grad_())");
  expect_error<UsageError>([&] { Adam({p * 2}); },
                           "Adam: parameter 0 of shape [2] is the result of an op (want a leaf)");
  expect_error<UsageError>([&] { Adam(std::vector<Tensor>{}); }, "Adam: no parameters (want at least one)");
}

TEST(Optimizer, RefusesBadOptionsOfEachKind) {
  const std::vector<Tensor> p{ones({2}).requires_grad_()};
  const auto refuses = [](const auto& action, const std::string& message) {
    expect_error<UsageError>(action, message);
  };
  refuses([&] { SGD(p, {.momentum = -1}); }, "SGD: momentum is -1 (want a number >= 0)");
  refuses([&] { Adam(p, {.betas = {-0.1, 0.9}}); }, "Adam: betas.first is -0.1 (want 0 <= beta < 1)");
  refuses([&] { AdamW(p, {.weight_decay = -1}); }, "AdamW: weight_decay is -1 (want a number >= 0)");
  refuses([&] { RMSprop(p, {.alpha = 1}); }, "RMSprop: alpha is 1 (want 0 <= beta < 1)");
  refuses([&] { Adadelta(p, {.rho = 1.5}); }, "Adadelta: rho is 1.5 (want a number from 0 to 1)");
  refuses([&] { Adagrad(p, {.eps = std::nan("")}); }, "Adagrad: eps is nan (want a number >= 0)");
  refuses(
      [&] {
        Rprop(p, {.etas = {1.1, 1.2}});
      },
      "Rprop: etas do not lie on both sides of 1 (want etas.first < 1 < etas.second)");
  refuses([&] { Adafactor(p, {.beta2_decay = 0.5}); }, "Adafactor: beta2_decay is 0.5 (want a number <= 0)");
  refuses([&] { LBFGS(p, {.history_size = 0}); }, "LBFGS: history_size is 0 (want at least 1)");
  refuses([&] { WeightPerturbation(p, {.size = 0}); }, "WeightPerturbation: size is 0 (want a finite number > 0)");
}

TEST(Optimizer, RefusesTypesThatItDoesNotTrain) {
  const Tensor narrow = ones({2}, bf16).requires_grad_();
  expect_error<DTypeError>([&] { LBFGS({narrow}); }, "LBFGS: parameter 0 of shape [2] is bf16 (want f32 or f64)");
  expect_error<ShapeError>(
      [] {
        SGD({ones({1, 3}).alias({2, 3}, {0, 1}, 0).requires_grad_()});
      },
      "SGD: parameter 0 of shape [2, 3] has gaps or repeats elements (want a dense tensor)");
  expect_error<UsageError>([] { SGD({Tensor()}); }, "SGD: parameter 0 is undefined (want a tensor)");
}

TEST(Groups, HaveOptionsOfTheirOwn) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_(), c = ones({2}).requires_grad_();
  SGD optimizer({{{a}, {.lr = 1}}, {{b}, {.lr = 2, .maximize = true}}});
  optimizer.add_group({c}, {.lr = 0.5, .weight_decay = 1});
  for (const Tensor& p : optimizer.parameters()) p.set_grad(ones({2}));
  optimizer.step();
  EXPECT_EQ(a.to_vector<float>()[0], 0);
  EXPECT_EQ(b.to_vector<float>()[0], 3);
  EXPECT_EQ(c.to_vector<float>()[0], 0);
  EXPECT_EQ(optimizer.group_count(), 3U);
  EXPECT_TRUE(optimizer.group_parameters(2)[0].is_same(c));
  EXPECT_EQ(optimizer.options(1).lr, 2);
  optimizer.set_lr(0.25);
  EXPECT_EQ(optimizer.lr(2), 0.25);
  optimizer.set_options({.lr = 3}, 2);
  EXPECT_EQ(optimizer.option("weight_decay", 2), 0);
}

TEST(Groups, DoNotShareParametersAndStayAsTheyWereAfterAnError) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({3}).requires_grad_().set_name("b");
  SGD optimizer({a, b});
  expect_error<UsageError>(
      [&] {
        optimizer.add_group({ones({1}).requires_grad_(), b});
      },
      "SGD: parameter 3 (b) of shape [3] is parameter 1 again (want each once)");
  expect_error<UsageError>([&] { optimizer.add_group({ones({1}).requires_grad_()}, {.lr = -1}); },
                           "SGD: lr is -1 (want a finite number >= 0)");
  EXPECT_EQ(optimizer.group_count(), 1U);
  EXPECT_EQ(optimizer.parameters().size(), 2U);
  expect_error<UsageError>([&] { optimizer.set_options({.lr = 1, .momentum = -1}); },
                           "SGD: momentum is -1 (want a number >= 0)");
  EXPECT_EQ(optimizer.lr(), 1e-3);
  expect_error<UsageError>([&] { optimizer.options(1); }, "SGD: there is no group 1 (want less than 1)");
  expect_error<UsageError>(
      [&] {
        SGD({{{a}, {}}, {{a}, {}}});
      },
      "SGD: parameter 1 of shape [2] is parameter 0 again (want each once)");
  EXPECT_THROW(optimizer.add_group({}), UsageError);
}

TEST(Groups, TakeParametersThatJoinLater) {
  // A parameter's count of steps is its own: Adam's first step has the length lr whenever it comes.
  const Tensor a = zeros({2}, f64).requires_grad_(), b = zeros({2}, f64).requires_grad_();
  Adam optimizer({a}, {.lr = 0.1});
  a.set_grad(ones({2}, f64));
  for (int i = 0; i < 5; ++i) optimizer.step();
  optimizer.add_group({b}, {.lr = 0.1});
  b.set_grad(ones({2}, f64));
  optimizer.step();
  EXPECT_NEAR(b.to_vector<double>()[0], -0.1, 1e-8);
  EXPECT_EQ(optimizer.state().numbers.at("1.step"), 1);
  EXPECT_EQ(optimizer.state().numbers.at("0.step"), 6);
}

TEST(FusedOptimizer, WritesABf16CopyInTheSamePass) {
  Generator generator(5);
  const Tensor p = randn({103}, f32, generator).requires_grad_(), other = ones({2}).requires_grad_();
  Tensor copy = empty({103}, bf16);
  Adam optimizer({p}, {.lr = 0.1});
  optimizer.write_bf16_copy(p, copy);
  for (int i = 0; i < 3; ++i) {
    p.set_grad(randn({103}, f32, generator));
    optimizer.step();
    const std::vector<float> exact = p.to_vector<float>(), rounded = copy.to_vector<float>();
    for (std::size_t k = 0; k < exact.size(); ++k) EXPECT_EQ(rounded[k], static_cast<float>(BFloat16(exact[k])));
  }
  expect_error<UsageError>([&] { optimizer.write_bf16_copy(other, copy); },
                           "Adam: write_bf16_copy: the parameter is not one of the optimizer's");
  expect_error<UsageError>([&] { optimizer.write_bf16_copy(p, empty({103})); },
                           "Adam: write_bf16_copy: the copy is f32 of shape [103] (want bf16 of shape [103], with the "
                           "parameter's strides)");
}

TEST(FusedOptimizer, RoundsEveryKindOfNumberToBf16AsTheTensorDoes) {
  // Ties, numbers that round up to infinity, denormals, infinities and NaN, in whole vectors and in the rest.
  std::vector<float> values;
  for (const std::uint32_t bits :
       {0x3f808000U, 0x3f818000U, 0x3f807fffU, 0x3f808001U, 0x7f7fffffU, 0xff7fffffU, 1U, 0x8000U, 0x18000U,
        0x7f800000U, 0xff800000U, 0x7fc00000U, 0x7f800001U, 0xffffffffU, 0x80000000U, 0xbf808000U, 0xc2f6e979U}) {
    values.push_back(std::bit_cast<float>(bits));
  }
  for (int repeat = 0; repeat < 3; ++repeat) values.insert(values.end(), values.begin(), values.begin() + 11);
  const Tensor p = tensor(values).requires_grad_();
  Tensor copy = empty(p.shape(), bf16);
  SGD optimizer({p}, {.lr = 0});
  optimizer.write_bf16_copy(p, copy);
  p.set_grad(zeros(p.shape()));
  optimizer.step();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const BFloat16 want(values[i]), got = copy.data<BFloat16>()[i];
    if (std::isnan(values[i]))
      EXPECT_TRUE(std::isnan(static_cast<float>(got)));
    else
      EXPECT_EQ(got.bits, want.bits) << values[i];
  }
}

TEST(FusedOptimizer, TakesOverWhatWasWrittenToABf16Parameter) {
  Tensor p = full({40}, 1.0, bf16).requires_grad_();
  SGD optimizer({p}, {.lr = 1e-3});
  p.set_grad(ones({40}, bf16));
  optimizer.step();  // the master is 0.999, which bf16 rounds to 1
  p.mutable_data<BFloat16>()[3] = BFloat16(5.0F);
  optimizer.step();
  const std::vector<float> master = optimizer.state().tensors.at("0.master").to_vector<float>();
  EXPECT_FLOAT_EQ(master[2], 0.998F);
  EXPECT_FLOAT_EQ(master[3], 4.999F);
}

TEST(FusedOptimizer, TrainsParametersWhoseAxesLieInAnotherOrder) {
  Generator generator(2);
  const Tensor values = randn({3, 4, 5}, f64, generator);
  const Tensor plain = values.detach() * 1;
  Tensor turned = empty({5, 4, 3}, f64).alias({3, 4, 5}, {1, 3, 12}, 0);
  copy_elements(values, turned);
  const Tensor a = plain.detach().requires_grad_(), b = turned.requires_grad_();
  Adam first({a}, {.lr = 0.1}), second({b}, {.lr = 0.1});
  for (int i = 0; i < 3; ++i) {
    const Tensor gradient = randn({3, 4, 5}, f64, generator);
    a.set_grad(gradient);
    b.set_grad(gradient);
    first.step();
    second.step();
  }
  EXPECT_EQ(a.to_vector<double>(), b.to_vector<double>());
  EXPECT_EQ(first.state().tensors.at("0.exp_avg").to_vector<double>(),
            second.state().tensors.at("0.exp_avg").to_vector<double>());
}

TEST(FusedOptimizer, TakesEmptyParametersAndStridedGradients) {
  const Tensor none = ones({0, 3}).requires_grad_(), p = ones({2, 3}).requires_grad_();
  SGD optimizer({none, p}, {.lr = 1, .momentum = 0.5});
  none.set_grad(ones({0, 3}));
  p.set_grad(tensor({0.5}).alias({2, 3}, {0, 0}, 0));
  optimizer.step();
  EXPECT_EQ(p.to_vector<float>(), std::vector<float>(6, 0.5));
}

TEST(FusedOptimizer, BeginsAMomentumThatIsSwitchedOnLater) {
  const Tensor p = zeros({1}, f64).requires_grad_();
  SGD optimizer({p}, {.lr = 1});
  p.set_grad(ones({1}, f64));
  optimizer.step();
  optimizer.set_options({.lr = 1, .momentum = 0.5, .dampening = 0.25});
  optimizer.step();
  EXPECT_EQ(p.item<double>(), -2);  // the buffer begins as the gradient
  optimizer.step();
  EXPECT_EQ(p.item<double>(), -2 - (0.5 + 0.75));
}

}  // namespace
}  // namespace dagrad::optim
