#include "dagrad/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <string_view>

#include "dagrad/core/error.h"

namespace dagrad::optim {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

/// From `start` at fraction 0 to `end` at fraction 1.
double anneal(Anneal strategy, double start, double end, double fraction) {
  if (strategy == Anneal::linear) return start + (end - start) * fraction;
  return end + (start - end) / 2 * (1 + std::cos(std::numbers::pi * fraction));
}

double cosine(double base, double eta_min, double fraction) { return anneal(Anneal::cos, base, eta_min, fraction); }

void require(bool holds, std::string_view schedule, std::string_view what, double got, std::string_view want) {
  if (!holds) throw UsageError(fmt::format("{}: {} is {} (want {})", schedule, what, got, want));
}
void require_at_least(std::string_view schedule, std::string_view what, std::int64_t got, std::int64_t least) {
  require(got >= least, schedule, what, real(got), fmt::format("at least {}", least));
}
void require_factor(std::string_view schedule, std::string_view what, double got) {
  require(got >= 0 && std::isfinite(got), schedule, what, got, "a finite number >= 0");
}

bool increases(const std::vector<std::int64_t>& milestones) {
  return std::is_sorted(milestones.begin(), milestones.end()) && (milestones.empty() || milestones.front() >= 0);
}

/// Where in one-cycle's phases step t lies: the phase, and how far it has gone.
struct Phase {
  int index;
  double fraction;
};
Phase phase_of(const OneCycleLR& o, std::int64_t t) {
  const double up = o.pct_start * real(o.total_steps) - 1, last = real(o.total_steps) - 1;
  const double down = o.three_phase ? 2 * o.pct_start * real(o.total_steps) - 2 : last;
  const double now = real(t);
  if (now <= up) return {0, up > 0 ? now / up : 1};
  if (now <= down || !o.three_phase) return {1, (now - up) / (down - up)};
  return {2, (now - down) / (last - down)};
}

}  // namespace

double StepLR::operator()(double base, std::int64_t t) const { return base * std::pow(gamma, real(t / step_size)); }

double MultiStepLR::operator()(double base, std::int64_t t) const {
  const auto passed = std::count_if(milestones.begin(), milestones.end(), [t](std::int64_t m) { return m <= t; });
  return base * std::pow(gamma, real(passed));
}

double ConstantLR::operator()(double base, std::int64_t t) const { return t < total_iters ? base * factor : base; }

double LinearLR::operator()(double base, std::int64_t t) const {
  const double fraction = t >= total_iters ? 1 : real(t) / real(total_iters);
  return base * (start_factor + (end_factor - start_factor) * fraction);
}

double ExponentialLR::operator()(double base, std::int64_t t) const { return base * std::pow(gamma, real(t)); }

double PolynomialLR::operator()(double base, std::int64_t t) const {
  return t >= total_iters ? 0 : base * std::pow(1 - real(t) / real(total_iters), power);
}

double CosineAnnealingLR::operator()(double base, std::int64_t t) const {
  return cosine(base, eta_min, real(t) / real(t_max));
}

double CosineAnnealingWarmRestarts::operator()(double base, std::int64_t t) const {
  std::int64_t length = t_0;
  if (t_mult == 1) {
    t %= t_0;
  } else {
    while (t >= length) {
      t -= length;
      length *= t_mult;
    }
  }
  return cosine(base, eta_min, real(t) / real(length));
}

double OneCycleLR::operator()(double, std::int64_t t) const {
  if (t >= total_steps)
    throw UsageError(fmt::format("OneCycleLR: step {} (want less than total_steps = {})", t, total_steps));
  const double initial = max_lr / div_factor, last = initial / final_div_factor;
  const auto [phase, fraction] = phase_of(*this, t);
  if (phase == 0) return anneal(anneal_strategy, initial, max_lr, fraction);
  if (phase == 1) return anneal(anneal_strategy, max_lr, three_phase ? initial : last, fraction);
  return anneal(anneal_strategy, initial, last, fraction);
}

double OneCycleLR::momentum(std::int64_t t) const {
  const auto [phase, fraction] = phase_of(*this, t);
  if (phase == 0) return anneal(anneal_strategy, max_momentum, base_momentum, fraction);
  if (phase == 1) return anneal(anneal_strategy, base_momentum, max_momentum, fraction);
  return max_momentum;
}

double SWALR::operator()(double base, std::int64_t t) const {
  return t >= anneal_epochs ? swa_lr : anneal(anneal_strategy, base, swa_lr, real(t) / real(anneal_epochs));
}

double LambdaLR::operator()(double base, std::int64_t t) const { return base * factor(t); }

double SequentialLR::operator()(double base, std::int64_t t) const {
  const auto after = std::upper_bound(milestones.begin(), milestones.end(), t);
  const auto which = static_cast<std::size_t>(after - milestones.begin());
  return schedules[which].lr(base, which == 0 ? t : t - milestones[which - 1]);
}

double ChainedLR::operator()(double base, std::int64_t t) const {
  for (const Schedule& schedule : schedules) base = schedule.lr(base, t);
  return base;
}

// --- checks ---

void check_schedule(const StepLR& s) {
  require_at_least("StepLR", "step_size", s.step_size, 1);
  require_factor("StepLR", "gamma", s.gamma);
}
void check_schedule(const MultiStepLR& s) {
  if (!increases(s.milestones))
    throw UsageError("MultiStepLR: the milestones do not increase (want 0 <= first <= ...)");
  require_factor("MultiStepLR", "gamma", s.gamma);
}
void check_schedule(const ConstantLR& s) {
  require_factor("ConstantLR", "factor", s.factor);
  require_at_least("ConstantLR", "total_iters", s.total_iters, 0);
}
void check_schedule(const LinearLR& s) {
  require_factor("LinearLR", "start_factor", s.start_factor);
  require_factor("LinearLR", "end_factor", s.end_factor);
  require_at_least("LinearLR", "total_iters", s.total_iters, 0);
}
void check_schedule(const ExponentialLR& s) { require_factor("ExponentialLR", "gamma", s.gamma); }
void check_schedule(const PolynomialLR& s) {
  require_at_least("PolynomialLR", "total_iters", s.total_iters, 1);
  require_factor("PolynomialLR", "power", s.power);
}
void check_schedule(const CosineAnnealingLR& s) {
  require_at_least("CosineAnnealingLR", "t_max", s.t_max, 1);
  require_factor("CosineAnnealingLR", "eta_min", s.eta_min);
}
void check_schedule(const CosineAnnealingWarmRestarts& s) {
  require_at_least("CosineAnnealingWarmRestarts", "t_0", s.t_0, 1);
  require_at_least("CosineAnnealingWarmRestarts", "t_mult", s.t_mult, 1);
  require_factor("CosineAnnealingWarmRestarts", "eta_min", s.eta_min);
}
void check_schedule(const OneCycleLR& s) {
  require_factor("OneCycleLR", "max_lr", s.max_lr);
  require_at_least("OneCycleLR", "total_steps", s.total_steps, 1);
  require(s.pct_start >= 0 && s.pct_start <= 1, "OneCycleLR", "pct_start", s.pct_start, "a number from 0 to 1");
  require(s.base_momentum >= 0 && s.base_momentum < 1, "OneCycleLR", "base_momentum", s.base_momentum,
          "0 <= momentum < 1");
  require(s.max_momentum >= 0 && s.max_momentum < 1, "OneCycleLR", "max_momentum", s.max_momentum, "0 <= momentum < 1");
  require(s.div_factor > 0, "OneCycleLR", "div_factor", s.div_factor, "a number > 0");
  require(s.final_div_factor > 0, "OneCycleLR", "final_div_factor", s.final_div_factor, "a number > 0");
}
void check_schedule(const SWALR& s) {
  require_factor("SWALR", "swa_lr", s.swa_lr);
  require_at_least("SWALR", "anneal_epochs", s.anneal_epochs, 0);
}
void check_schedule(const LambdaLR& s) {
  if (!s.factor) throw UsageError("LambdaLR: there is no function (want factor(t))");
}
void check_schedule(const SequentialLR& s) {
  if (s.schedules.empty() || s.milestones.size() + 1 != s.schedules.size())
    throw UsageError(
        fmt::format("SequentialLR: {} schedules and {} milestones (want one milestone less than schedules)",
                    s.schedules.size(), s.milestones.size()));
  if (!increases(s.milestones))
    throw UsageError("SequentialLR: the milestones do not increase (want 0 <= first <= ...)");
}
void check_schedule(const ChainedLR& s) {
  if (s.schedules.empty()) throw UsageError("ChainedLR: no schedules (want at least one)");
}

}  // namespace dagrad::optim
