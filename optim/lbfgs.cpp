#include "dagrad/optim/lbfgs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/optim/flat_parameters.h"
#include "dagrad/optim/gradients.h"
#include "dagrad/optim/strong_wolfe.h"

namespace dagrad::optim {
namespace {

constexpr std::array kTypes = {f32, f64};
constexpr double kLeastCurvature = 1e-10;  // a pair with y s below it would spoil the approximation

}  // namespace

void describe(LbfgsOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.count("max_iter", o.max_iter, kPositiveCount);
  visitor.count("max_eval", o.max_eval, kNonNegative);
  visitor.number("tolerance_grad", o.tolerance_grad, kNonNegative);
  visitor.number("tolerance_change", o.tolerance_change, kNonNegative);
  visitor.count("history_size", o.history_size, kPositiveCount);
  bool searches = o.line_search == LineSearch::strong_wolfe;
  visitor.flag("strong_wolfe", searches);
  o.line_search = searches ? LineSearch::strong_wolfe : LineSearch::none;
  visitor.flag("maximize", o.maximize);
}

LBFGS::LBFGS(const std::vector<Tensor>& parameters, const LbfgsOptions& options)
    : GroupedOptimizer("LBFGS", {{parameters, options}}, kTypes, 1) {}

void LBFGS::update(const StepOptions&) {
  throw UsageError("LBFGS: step() without a closure (want step(closure): it evaluates the loss several times)");
}

LBFGS::Point LBFGS::evaluate(const Closure& closure) {
  const double sign = options().maximize ? -1 : 1;
  const GradMode recording(true);
  const Tensor loss = closure();
  ++evaluations_;
  return {sign * loss.item<double>(), read_flat_gradients(parameters(), sign)};
}

/// Takes the last iteration's changes into the approximation.
void LBFGS::remember(const Vector& gradient) {
  Pair pair{memory_.direction, gradient};
  for (double& s : pair.s) s *= memory_.length;
  add_scaled(pair.y, -1, memory_.gradient);
  const double curvature = dot(pair.y, pair.s);
  if (curvature <= kLeastCurvature) return;
  memory_.scale = curvature / dot(pair.y, pair.y);
  while (static_cast<std::int64_t>(memory_.pairs.size()) >= options().history_size) memory_.pairs.pop_front();
  memory_.pairs.push_back(std::move(pair));
}

/// -H g, by the two loops over the pairs.
LBFGS::Vector LBFGS::direction(const Vector& gradient) const {
  Vector d = gradient;
  for (double& x : d) x = -x;
  const auto& pairs = memory_.pairs;
  std::vector<double> alphas(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alphas[i] = dot(pairs[i].s, d) / dot(pairs[i].y, pairs[i].s);
    add_scaled(d, -alphas[i], pairs[i].y);
  }
  for (double& x : d) x *= memory_.scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = dot(pairs[i].y, d) / dot(pairs[i].y, pairs[i].s);
    add_scaled(d, alphas[i] - beta, pairs[i].s);
  }
  return d;
}

Tensor LBFGS::update_with(const Closure& closure) {
  const LbfgsOptions o = options();
  const auto max_evaluations = o.max_eval > 0 ? o.max_eval : o.max_iter + o.max_iter / 4;
  const std::int64_t evaluations_before = evaluations_;
  const Memory memory_before = memory_;
  Restore restore(parameters());

  Tensor first_loss;
  Point now = evaluate([&] { return first_loss = closure(); });
  // Where a search ends up it can turn back from, but not from where it starts.
  check_finite_gradients(name(), parameters());
  if (!std::isfinite(now.loss)) throw GradientError(fmt::format("LBFGS: the loss is {} (want a finite one)", now.loss));
  try {
    for (std::int64_t iteration = 0; iteration < o.max_iter; ++iteration) {
      if (!(largest_magnitude(now.gradient) > o.tolerance_grad)) break;
      if (memory_.iterations++ > 0) remember(now.gradient);
      const bool first = memory_.iterations == 1;
      memory_.direction = direction(now.gradient);
      memory_.gradient = now.gradient;
      memory_.length = first ? std::min(1.0, 1 / sum_of_magnitudes(now.gradient)) * o.lr : o.lr;

      const double slope = dot(now.gradient, memory_.direction);
      if (slope > -o.tolerance_change) break;
      const Vector start = read_flat(parameters());
      const auto move = [&](double t) {
        Vector values = start;
        add_scaled(values, t, memory_.direction);
        write_flat(values, parameters());
      };
      const double loss_before = now.loss, largest_step = largest_magnitude(memory_.direction);
      if (o.line_search == LineSearch::strong_wolfe) {
        const auto along = [&](double t) {
          move(t);
          Point there = evaluate(closure);
          const double there_slope = dot(there.gradient, memory_.direction);
          return LinePoint{t, there.loss, there_slope, std::move(there.gradient)};
        };
        LinePoint found = strong_wolfe(along, {0, now.loss, slope, now.gradient}, memory_.length, largest_step,
                                       {.tolerance = o.tolerance_change});
        memory_.length = found.t;
        move(found.t);
        now = {found.loss, std::move(found.gradient)};
      } else {
        move(memory_.length);
        // The point after the last iteration is looked at by the next step.
        if (iteration + 1 == o.max_iter) break;
        now = evaluate(closure);
      }
      if (evaluations_ - evaluations_before >= max_evaluations) break;
      if (memory_.length * largest_step <= o.tolerance_change) break;
      if (std::abs(now.loss - loss_before) < o.tolerance_change) break;
    }
  } catch (...) {
    memory_ = memory_before;
    throw;
  }
  restore.keep();
  return first_loss;
}

// --- state ---

void LBFGS::save(State& state) const {
  const auto put = [&](const std::string& name, const Vector& values) { state.tensors[name] = tensor(values); };
  state.numbers["evaluations"] = static_cast<double>(evaluations_);
  state.numbers["iterations"] = static_cast<double>(memory_.iterations);
  state.numbers["pairs"] = static_cast<double>(memory_.pairs.size());
  state.numbers["scale"] = memory_.scale;
  state.numbers["length"] = memory_.length;
  if (memory_.iterations == 0) return;
  put("direction", memory_.direction);
  put("gradient", memory_.gradient);
  for (std::size_t i = 0; i < memory_.pairs.size(); ++i) {
    put(fmt::format("pair{}.s", i), memory_.pairs[i].s);
    put(fmt::format("pair{}.y", i), memory_.pairs[i].y);
  }
}

std::function<void()> LBFGS::prepare_load(StateReader& reader) {
  std::int64_t numel = 0;
  for (const Tensor& p : parameters()) numel += p.numel();
  const auto take = [&](const std::string& name) { return reader.tensor(name, {numel}, f64).to_vector<double>(); };
  Memory loaded;
  const std::int64_t evaluations = reader.count("evaluations"), pairs = reader.count("pairs");
  loaded.iterations = reader.count("iterations");
  loaded.scale = reader.number("scale");
  loaded.length = reader.number("length");
  if (loaded.iterations > 0) {
    loaded.direction = take("direction");
    loaded.gradient = take("gradient");
  }
  for (std::int64_t i = 0; i < pairs; ++i)
    loaded.pairs.push_back({take(fmt::format("pair{}.s", i)), take(fmt::format("pair{}.y", i))});
  return [this, loaded = std::move(loaded), evaluations]() mutable {
    memory_ = std::move(loaded);
    evaluations_ = evaluations;
  };
}

}  // namespace dagrad::optim
