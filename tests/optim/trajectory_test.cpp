// Each optimizer with each option against an independent evaluation of its published formula, 100 steps in f64.
#include "trajectory.h"

#include <map>

#include "dagrad/optim/optim.h"

namespace dagrad::optim {
namespace {

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

Formula sgd(const SgdOptions& o) {
  return [o, b = 0.0](double p, double g, int t) mutable {
    g += o.weight_decay * p;
    if (o.momentum != 0) {
      b = t == 1 ? g : o.momentum * b + (1 - o.dampening) * g;
      g = o.nesterov ? g + o.momentum * b : b;
    }
    return p - o.lr * g;
  };
}

Formula sgdw(const SgdwOptions& o) {
  return [o, inner = sgd({o.lr, o.momentum, o.dampening, 0, o.nesterov})](double p, double g, int t) {
    return inner(p - o.lr * o.weight_decay * p, g, t);
  };
}

Formula adagrad(const AdagradOptions& o) {
  return [o, s = o.initial_accumulator_value](double p, double g, int t) mutable {
    g += o.weight_decay * p;
    s += g * g;
    return p -
           o.lr / (1 + (t - 1) * o.lr_decay) * g / (o.eps_inside_root ? std::sqrt(s + o.eps) : std::sqrt(s) + o.eps);
  };
}

Formula rmsprop(const RmspropOptions& o) {
  return [o, s = 0.0, mean = 0.0, b = 0.0](double p, double g, int) mutable {
    g += o.weight_decay * p;
    s = o.alpha * s + (1 - o.alpha) * g * g;
    mean = o.alpha * mean + (1 - o.alpha) * g;
    const double d = g / (std::sqrt(o.centered ? s - mean * mean : s) + o.eps);
    b = o.momentum * b + d;
    return p - o.lr * (o.momentum > 0 ? b : d);
  };
}

Formula adadelta(const AdadeltaOptions& o) {
  return [o, s = 0.0, u = 0.0](double p, double g, int) mutable {
    g += o.weight_decay * p;
    s = o.rho * s + (1 - o.rho) * g * g;
    const double d = std::sqrt(u + o.eps) / std::sqrt(s + o.eps) * g;
    u = o.rho * u + (1 - o.rho) * d * d;
    return p - o.lr * d;
  };
}

Formula adam(const AdamOptions& o) {
  return [o, m = 0.0, v = 0.0, largest = 0.0](double p, double g, int t) mutable {
    const auto [b1, b2] = o.betas;
    g += o.weight_decay * p;
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    largest = std::max(largest, v);
    double m_hat = m, v_hat = o.amsgrad ? largest : v;
    if (o.bias_correction) {
      m_hat /= 1 - std::pow(b1, t);
      v_hat /= 1 - std::pow(b2, t);
    }
    return p - o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
  };
}

Formula adamw(const AdamwOptions& o) {
  return [o, inner = adam({o.lr, o.betas, o.eps, 0, o.amsgrad, false, o.bias_correction})](double p, double g, int t) {
    return inner(p - o.lr * o.weight_decay * p, g, t);
  };
}

Formula adamax(const AdamaxOptions& o) {
  return [o, m = 0.0, u = 0.0](double p, double g, int t) mutable {
    g += o.weight_decay * p;
    m = o.betas.first * m + (1 - o.betas.first) * g;
    u = std::max(o.betas.second * u, std::abs(g) + o.eps);
    return p - o.lr / (1 - std::pow(o.betas.first, t)) * m / u;
  };
}

Formula nadam(const NadamOptions& o) {
  return [o, m = 0.0, v = 0.0, product = 1.0](double p, double g, int t) mutable {
    const auto [b1, b2] = o.betas;
    if (o.decoupled_weight_decay)
      p -= o.lr * o.weight_decay * p;
    else
      g += o.weight_decay * p;
    const double mu = b1 * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
    const double next = b1 * (1 - 0.5 * std::pow(0.96, (t + 1) * o.momentum_decay));
    product *= mu;
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const double m_hat = next * m / (1 - product * next) + (1 - mu) * g / (1 - product);
    return p - o.lr * m_hat / (std::sqrt(v / (1 - std::pow(b2, t))) + o.eps);
  };
}

Formula radam(const RadamOptions& o) {
  return [o, m = 0.0, v = 0.0](double p, double g, int t) mutable {
    const auto [b1, b2] = o.betas;
    if (o.decoupled_weight_decay)
      p -= o.lr * o.weight_decay * p;
    else
      g += o.weight_decay * p;
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const double m_hat = m / (1 - std::pow(b1, t));
    const double limit = 2 / (1 - b2) - 1, rho = limit - 2 * t * std::pow(b2, t) / (1 - std::pow(b2, t));
    if (rho <= 5) return p - o.lr * m_hat;
    const double adapted = std::sqrt(1 - std::pow(b2, t)) / (std::sqrt(v) + o.eps);
    const double r = std::sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho));
    return p - o.lr * m_hat * r * adapted;
  };
}

Formula lion(const LionOptions& o) {
  return [o, m = 0.0](double p, double g, int) mutable {
    const double update = sign(o.betas.first * m + (1 - o.betas.first) * g);
    m = o.betas.second * m + (1 - o.betas.second) * g;
    return p - o.lr * (update + o.weight_decay * p);
  };
}

Formula rprop(const RpropOptions& o) {
  return [o, before = 0.0, size = o.lr](double p, double g, int) mutable {
    const double turn = sign(g * before);
    if (turn > 0) size = std::min(size * o.etas.second, o.step_sizes.second);
    if (turn < 0) {
      size = std::max(size * o.etas.first, o.step_sizes.first);
      g = 0;
    }
    before = g;
    return p - sign(g) * size;
  };
}

template <class O>
std::unique_ptr<Optimizer> with_defaults(const std::vector<Tensor>& parameters) {
  return std::make_unique<O>(parameters);
}

/// Every optimizer with a formula for one number; the others (matrices, losses) have tests of their own.
constexpr std::unique_ptr<Optimizer> (*kDefaults[])(const std::vector<Tensor>&) = {
    with_defaults<SGD>,      with_defaults<SGDW>,  with_defaults<Adagrad>, with_defaults<RMSprop>,
    with_defaults<Adadelta>, with_defaults<Adam>,  with_defaults<AdamW>,   with_defaults<Adamax>,
    with_defaults<NAdam>,    with_defaults<RAdam>, with_defaults<Lion>,    with_defaults<Rprop>};

std::vector<Trajectory> trajectories() {
  return {
      trajectory<SGD>("SGD", {.lr = 0.05}, sgd),
      trajectory<SGD>("SGD_weight_decay", {.lr = 0.05, .weight_decay = 0.1}, sgd),
      trajectory<SGD>("SGD_momentum", {.lr = 0.05, .momentum = 0.9}, sgd),
      trajectory<SGD>("SGD_dampening", {.lr = 0.02, .momentum = 0.8, .dampening = 0.3}, sgd),
      trajectory<SGD>("SGD_nesterov", {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}, sgd),
      trajectory<SGD>("SGD_maximize", {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1, .maximize = true}, sgd),
      trajectory<SGDW>("SGDW", {.lr = 0.05}, sgdw),
      trajectory<SGDW>("SGDW_nesterov", {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.3, .nesterov = true}, sgdw),
      trajectory<SGDW>("SGDW_maximize", {.lr = 0.02, .momentum = 0.9, .dampening = 0.2, .maximize = true}, sgdw),
      trajectory<Adagrad>("Adagrad", {.lr = 0.5}, adagrad),
      trajectory<Adagrad>("Adagrad_decays", {.lr = 0.5, .lr_decay = 0.1, .weight_decay = 0.1}, adagrad),
      trajectory<Adagrad>("Adagrad_initial", {.lr = 0.5, .initial_accumulator_value = 2, .eps = 0.1}, adagrad),
      trajectory<Adagrad>("Adagrad_inside", {.lr = 0.5, .eps = 0.1, .eps_inside_root = true, .maximize = true},
                          adagrad),
      trajectory<RMSprop>("RMSprop", {.lr = 0.05}, rmsprop),
      trajectory<RMSprop>("RMSprop_momentum", {.lr = 0.02, .alpha = 0.9, .momentum = 0.8}, rmsprop),
      trajectory<RMSprop>("RMSprop_centered", {.lr = 0.02, .alpha = 0.9, .eps = 0.1, .centered = true}, rmsprop),
      trajectory<RMSprop>(
          "RMSprop_all",
          {.lr = 0.02, .eps = 0.1, .weight_decay = 0.1, .momentum = 0.5, .centered = true, .maximize = true}, rmsprop),
      trajectory<Adadelta>("Adadelta", {}, adadelta),
      trajectory<Adadelta>("Adadelta_all", {.lr = 0.5, .rho = 0.7, .eps = 1e-3, .weight_decay = 0.1, .maximize = true},
                           adadelta),
      trajectory<Adam>("Adam", {}, adam),
      trajectory<Adam>("Adam_options", {.lr = 0.05, .betas = {0.5, 0.9}, .eps = 1e-3, .weight_decay = 0.2}, adam),
      trajectory<Adam>("Adam_amsgrad", {.lr = 0.1, .betas = {0.9, 0.5}, .amsgrad = true}, adam),
      trajectory<Adam>("Adam_uncorrected", {.lr = 0.1, .bias_correction = false}, adam),
      trajectory<Adam>("Adam_maximize", {.lr = 0.1, .weight_decay = 0.1, .maximize = true}, adam),
      trajectory<AdamW>("AdamW", {.lr = 0.1}, adamw),
      trajectory<AdamW>(
          "AdamW_all",
          {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.1, .weight_decay = 0.5, .amsgrad = true, .maximize = true}, adamw),
      trajectory<AdamW>("AdamW_uncorrected", {.lr = 0.1, .bias_correction = false}, adamw),
      trajectory<Adamax>("Adamax", {.lr = 0.1}, adamax),
      trajectory<Adamax>("Adamax_all",
                         {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.1, .weight_decay = 0.1, .maximize = true}, adamax),
      trajectory<NAdam>("NAdam", {.lr = 0.1}, nadam),
      trajectory<NAdam>("NAdam_options",
                        {.lr = 0.02, .betas = {0.8, 0.9}, .eps = 1e-3, .weight_decay = 0.1, .momentum_decay = 0.5},
                        nadam),
      trajectory<NAdam>("NAdam_decoupled",
                        {.lr = 0.1, .weight_decay = 0.1, .decoupled_weight_decay = true, .maximize = true}, nadam),
      trajectory<RAdam>("RAdam", {.lr = 0.1}, radam),
      trajectory<RAdam>("RAdam_options", {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 1e-3, .weight_decay = 0.1}, radam),
      trajectory<RAdam>("RAdam_never_rectified", {.lr = 0.01, .betas = {0.8, 0.5}}, radam),
      trajectory<RAdam>("RAdam_decoupled",
                        {.lr = 0.1, .weight_decay = 0.1, .decoupled_weight_decay = true, .maximize = true}, radam),
      trajectory<Lion>("Lion", {.lr = 0.01}, lion),
      trajectory<Lion>("Lion_all", {.lr = 0.01, .betas = {0.8, 0.95}, .weight_decay = 0.5, .maximize = true}, lion),
      trajectory<Rprop>("Rprop", {}, rprop),
      trajectory<Rprop>("Rprop_all", {.lr = 0.1, .etas = {0.3, 1.5}, .step_sizes = {1e-2, 0.5}, .maximize = true},
                        rprop),
  };
}

/// Takes 100 steps from the usual start and returns where they lead.
std::vector<double> end_of(const Trajectory& t, const std::function<void(Optimizer&)>& change) {
  Tensor p = empty({static_cast<std::int64_t>(kNumbers)}, f64);
  for (std::size_t i = 0; i < kNumbers; ++i) p.mutable_data<double>()[i] = start_of(i);
  p.requires_grad_();
  const auto optimizer = t.make({p});
  change(*optimizer);
  for (int step = 1; step <= 100; ++step) {
    Tensor gradient = empty_like(p);
    for (std::size_t i = 0; i < kNumbers; ++i)
      gradient.mutable_data<double>()[i] = (t.maximize ? -1 : 1) * gradient_of(i, p.data<double>()[i]);
    p.set_grad(gradient);
    optimizer->step();
  }
  return p.to_vector<double>();
}

/// The names of an optimizer's options.
std::vector<std::string> options_of(const Optimizer& optimizer) {
  const std::string prefix = "group0.";
  std::vector<std::string> names;
  for (const auto& [name, value] : optimizer.state().numbers) {
    if (name.starts_with(prefix) && name != "group0.parameters") names.push_back(name.substr(prefix.size()));
  }
  return names;
}

TEST(Trajectories, HaveEveryOptionOfEveryOptimizerAtAValueThatMatters) {
  // optimizer -> option -> whether some trajectory above would miss its formula if the option had its default instead
  std::map<std::string, std::map<std::string, bool>> seen;
  for (const Trajectory& t : trajectories()) {
    const Tensor p = zeros({1}, f64).requires_grad_();
    const auto optimizer = t.make({p});
    const auto plain = std::find_if(std::begin(kDefaults), std::end(kDefaults),
                                    [&](const auto& make) { return make({p})->name() == optimizer->name(); });
    ASSERT_NE(plain, std::end(kDefaults)) << optimizer->name();
    const auto with_defaults = (*plain)({p});
    for (const std::string& option : options_of(*optimizer)) {
      bool& matters = seen[std::string(optimizer->name())][option];
      const double usual = with_defaults->option(option);
      if (matters || usual == optimizer->option(option)) continue;
      const auto here = end_of(t, [](Optimizer&) {}),
                 there = end_of(t, [&](Optimizer&o) {
                   // Which without momentum must be off, and makes no difference.
                   if (option == "momentum" && o.state().numbers.contains("group0.nesterov"))
                     o.set_option("nesterov", 0);
                   o.set_option(option, usual);
                 });
      for (std::size_t i = 0; i < kNumbers; ++i)
        matters |= !(std::abs(here[i] - there[i]) <= 1e-9 * std::max(1.0, std::abs(here[i])));
    }
  }
  EXPECT_EQ(seen.size(), std::size(kDefaults));
  for (const auto& [optimizer, options] : seen) {
    for (const auto& [option, matters] : options) EXPECT_TRUE(matters) << optimizer << ": " << option;
  }
}

class FollowsItsFormula : public testing::TestWithParam<Trajectory> {};
TEST_P(FollowsItsFormula, Over100Steps) { expect_follows(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Optimizers, FollowsItsFormula, testing::ValuesIn(trajectories()),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace dagrad::optim
