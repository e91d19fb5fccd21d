#include "dagrad/optim/weight_perturbation.h"

#include <array>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/flat_parameters.h"

namespace dagrad::optim {
namespace {

constexpr std::array kTypes = {f32, f64};

struct Estimate {
  FlatVector gradient;
  double loss;
};

using Loss = std::function<double(const FlatVector&)>;

Estimate one_at_a_time(const FlatVector& p, double size, const Loss& loss) {
  Estimate estimate{FlatVector(p.size()), loss(p)};
  FlatVector changed = p;
  for (std::size_t i = 0; i < p.size(); ++i) {
    changed[i] = p[i] + size;
    estimate.gradient[i] = (loss(changed) - estimate.loss) / size;
    changed[i] = p[i];
  }
  return estimate;
}

Estimate all_at_once(const FlatVector& p, const WeightPerturbationOptions& o, Generator& generator, const Loss& loss) {
  Estimate estimate{FlatVector(p.size(), 0), 0};
  const auto samples = static_cast<double>(o.samples);
  FlatVector signs(p.size());
  for (std::int64_t sample = 0; sample < o.samples; ++sample) {
    for (double& z : signs) z = generator.next_uniform() < 0.5 ? -1 : 1;
    FlatVector there = p, back = p;
    add_scaled(there, o.size, signs);
    add_scaled(back, -o.size, signs);
    const double up = loss(there), down = loss(back);
    add_scaled(estimate.gradient, (up - down) / (2 * o.size) / samples, signs);
    estimate.loss += (up + down) / 2 / samples;
  }
  return estimate;
}

}  // namespace

void describe(WeightPerturbationOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  bool each = o.perturb == Perturb::each;
  visitor.flag("each", each);
  o.perturb = each ? Perturb::each : Perturb::all;
  visitor.number("size", o.size, kPositive);
  visitor.count("samples", o.samples, kPositiveCount);
  visitor.count("seed", o.seed, {[](double x) { return std::abs(x) < 0x1p53; }, "within +-2^53, to be saved exactly"});
  visitor.flag("maximize", o.maximize);
}

WeightPerturbation::WeightPerturbation(const std::vector<Tensor>& parameters, const WeightPerturbationOptions& options)
    : GroupedOptimizer("WeightPerturbation", {{parameters, options}}, kTypes, 1) {}

void WeightPerturbation::update(const StepOptions&) {
  throw UsageError("WeightPerturbation: step() without a closure (want step(closure), which returns the loss)");
}

double WeightPerturbation::loss_at(const FlatVector& values, const Closure& closure) {
  write_flat(values, parameters());
  const double loss = closure().item<double>();
  ++evaluations_;
  if (!std::isfinite(loss))
    throw GradientError(fmt::format("WeightPerturbation: the loss is {} (want a finite one)", loss));
  return loss;
}

Tensor WeightPerturbation::update_with(const Closure& closure) {
  const WeightPerturbationOptions o = options();
  Restore restore(parameters());
  Generator generator(static_cast<std::uint64_t>(o.seed));
  generator.set_position(position_);
  FlatVector p = read_flat(parameters());
  const Loss loss = [&](const FlatVector& values) { return loss_at(values, closure); };
  const Estimate estimate =
      o.perturb == Perturb::each ? one_at_a_time(p, o.size, loss) : all_at_once(p, o, generator, loss);
  add_scaled(p, o.maximize ? o.lr : -o.lr, estimate.gradient);
  write_flat(p, parameters());
  position_ = generator.position();
  restore.keep();
  return scalar(estimate.loss, f64);
}

void WeightPerturbation::save(State& state) const {
  state.numbers["evaluations"] = static_cast<double>(evaluations_);
  state.numbers["position"] = static_cast<double>(position_);
}

std::function<void()> WeightPerturbation::prepare_load(StateReader& reader) {
  const std::int64_t evaluations = reader.count("evaluations"), position = reader.count("position");
  return [this, evaluations, position] {
    evaluations_ = evaluations;
    position_ = static_cast<std::uint64_t>(position);
  };
}

}  // namespace dagrad::optim
