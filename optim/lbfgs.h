// L-BFGS.
#pragma once

#include <deque>
#include <vector>

#include "dagrad/optim/grouped.h"

namespace dagrad::optim {

enum class LineSearch : std::uint8_t { none, strong_wolfe };

struct LbfgsOptions {
  double lr = 1;                   ///< the step's length, with a line search its first trial
  std::int64_t max_iter = 20;      ///< iterations in one step()
  std::int64_t max_eval = 0;       ///< evaluations in one step(); 0: max_iter * 5 / 4
  double tolerance_grad = 1e-7;    ///< ends when the largest gradient is within it
  double tolerance_change = 1e-9;  ///< ends when loss or parameters change by less
  std::int64_t history_size = 100;
  LineSearch line_search = LineSearch::none;
  bool maximize = false;
};
void describe(LbfgsOptions& options, OptionVisitor& visitor);

/// Limited-memory BFGS (Nocedal 1980; Liu and Nocedal 1989): p = p - lr H g, where H approximates the inverse of the
/// Hessian from the last history_size pairs of changes s of the parameters and y of the gradients (pairs with
/// y s <= 1e-10 are passed over), starting from y s / y y; the first step goes along -g with length min(1, 1 / |g|_1)
/// lr. The strong Wolfe search (Nocedal and Wright, algorithms 3.5 and 3.6, with cubic interpolation) finds a length
/// where f <= f0 + 1e-4 t g0 d and |g d| <= 0.9 |g0 d|. PyTorch's LBFGS. It computes in f64 whatever the parameters'
/// type.
///
/// step(closure) makes up to max_iter iterations and returns the loss at the start; the closure must compute the same
/// function at each call. step() without one throws UsageError. When the closure throws, the parameters are as before.
/// There is one group only: another throws UsageError.
class LBFGS final : public GroupedOptimizer<LbfgsOptions> {
 public:
  explicit LBFGS(const std::vector<Tensor>& parameters, const LbfgsOptions& options = {});
  /// With that learning rate: `optim::LBFGS(net.parameters(), 0.1)`.
  template <Rate R>
  LBFGS(const std::vector<Tensor>& parameters, R lr) : LBFGS(parameters, LbfgsOptions{.lr = static_cast<double>(lr)}) {}

  /// How often the closure was called so far.
  std::int64_t evaluations() const { return evaluations_; }
  bool needs_closure() const override { return true; }

 private:
  using Vector = std::vector<double>;
  struct Pair {
    Vector s, y;
  };
  struct Point {
    double loss = 0;
    Vector gradient;
  };

  void update(const StepOptions& options) override;
  Tensor update_with(const Closure& closure) override;
  void save(State& state) const override;
  std::function<void()> prepare_load(StateReader& reader) override;

  Point evaluate(const Closure& closure);
  void remember(const Vector& gradient);
  Vector direction(const Vector& gradient) const;

  // What one iteration leaves to the next.
  struct Memory {
    std::int64_t iterations = 0;
    std::deque<Pair> pairs;
    double scale = 1;  // of the first approximation
    double length = 0;
    Vector direction, gradient;
  };
  Memory memory_;
  std::int64_t evaluations_ = 0;
};

}  // namespace dagrad::optim
