// Formulas for learning rates over time.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace dagrad::optim {

/// The learning rate as a function of (base, t): the group's rate at the start, and the number of scheduler steps so
/// far, from 0. Any such function will do; the structs below are the usual ones, under PyTorch's names. They depend on
/// nothing but base and t, so that a schedule of several is a schedule again (SequentialLR, ChainedLR), and going on
/// later needs no more than t.
class Schedule {
 public:
  /// From a function or one of the structs below, whose members it checks: throws UsageError.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Schedule>) Schedule(F schedule) {
    if constexpr (requires { check_schedule(schedule); }) check_schedule(schedule);
    if constexpr (requires { schedule.momentum(std::int64_t{}); }) {
      if (schedule.cycle_momentum) momentum_ = [schedule](std::int64_t t) { return schedule.momentum(t); };
    }
    lr_ = std::move(schedule);
  }

  double lr(double base, std::int64_t t) const { return lr_(base, t); }
  bool sets_momentum() const { return momentum_ != nullptr; }
  double momentum(std::int64_t t) const { return momentum_(t); }

 private:
  std::function<double(double, std::int64_t)> lr_;
  std::function<double(std::int64_t)> momentum_;
};

/// base * gamma^floor(t / step_size).
struct StepLR {
  std::int64_t step_size = 1;
  double gamma = 0.1;
  double operator()(double base, std::int64_t t) const;
};

/// base * gamma^(how many milestones are <= t).
struct MultiStepLR {
  std::vector<std::int64_t> milestones;
  double gamma = 0.1;
  double operator()(double base, std::int64_t t) const;
};

/// base * factor while t < total_iters, then base.
struct ConstantLR {
  double factor = 1.0 / 3;
  std::int64_t total_iters = 5;
  double operator()(double base, std::int64_t t) const;
};

/// base times a factor that goes from start_factor to end_factor in total_iters steps and stays there: a warm-up.
struct LinearLR {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  std::int64_t total_iters = 5;
  double operator()(double base, std::int64_t t) const;
};

/// base * gamma^t.
struct ExponentialLR {
  double gamma = 1;
  double operator()(double base, std::int64_t t) const;
};

/// base * (1 - t / total_iters)^power, 0 from total_iters on.
struct PolynomialLR {
  std::int64_t total_iters = 5;
  double power = 1;
  double operator()(double base, std::int64_t t) const;
};

/// eta_min + (base - eta_min) (1 + cos(pi t / t_max)) / 2 (Loshchilov and Hutter 2017).
struct CosineAnnealingLR {
  std::int64_t t_max = 1;
  double eta_min = 0;
  double operator()(double base, std::int64_t t) const;
};

/// The same, begun again after t_0 steps, then after t_0 t_mult, t_0 t_mult^2, ... further ones.
struct CosineAnnealingWarmRestarts {
  std::int64_t t_0 = 1;
  std::int64_t t_mult = 1;
  double eta_min = 0;
  double operator()(double base, std::int64_t t) const;
};

enum class Anneal : std::uint8_t { cos, linear };

/// From max_lr / div_factor up to max_lr in the first pct_start of total_steps and down to the initial rate /
/// final_div_factor in the rest (Smith and Topin 2018); with three_phase back to the initial rate first. The base does
/// not matter. `momentum` goes the other way, between max_momentum and base_momentum; LRScheduler sets it.
struct OneCycleLR {
  double max_lr = 1e-2;
  std::int64_t total_steps = 1;
  double pct_start = 0.3;
  Anneal anneal_strategy = Anneal::cos;
  bool cycle_momentum = true;
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool three_phase = false;
  /// Throws UsageError for t >= total_steps.
  double operator()(double base, std::int64_t t) const;
  double momentum(std::int64_t t) const;
};

/// From base to swa_lr in anneal_epochs steps, then swa_lr: for averaging weights.
struct SWALR {
  double swa_lr = 1e-2;
  std::int64_t anneal_epochs = 10;
  Anneal anneal_strategy = Anneal::cos;
  double operator()(double base, std::int64_t t) const;
};

/// base * factor(t).
struct LambdaLR {
  std::function<double(std::int64_t t)> factor;
  double operator()(double base, std::int64_t t) const;
};

/// The first schedule until the first milestone, then the second (whose own time starts at 0 there), and so on: one
/// milestone less than schedules.
struct SequentialLR {
  std::vector<Schedule> schedules;
  std::vector<std::int64_t> milestones;
  double operator()(double base, std::int64_t t) const;
};

/// Each schedule applied to what the one before it gives.
struct ChainedLR {
  std::vector<Schedule> schedules;
  double operator()(double base, std::int64_t t) const;
};

/// Throw UsageError for members out of range; making a Schedule calls them.
void check_schedule(const StepLR& schedule);
void check_schedule(const MultiStepLR& schedule);
void check_schedule(const ConstantLR& schedule);
void check_schedule(const LinearLR& schedule);
void check_schedule(const ExponentialLR& schedule);
void check_schedule(const PolynomialLR& schedule);
void check_schedule(const CosineAnnealingLR& schedule);
void check_schedule(const CosineAnnealingWarmRestarts& schedule);
void check_schedule(const OneCycleLR& schedule);
void check_schedule(const SWALR& schedule);
void check_schedule(const LambdaLR& schedule);
void check_schedule(const SequentialLR& schedule);
void check_schedule(const ChainedLR& schedule);

}  // namespace dagrad::optim
