#include "dagrad/optim/strong_wolfe.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dagrad::optim {
namespace {

/// Where the cubic through both points with their slopes is least, kept within [low, high].
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const LinePoint& left = a.t <= b.t ? a : b;
  const LinePoint& right = a.t <= b.t ? b : a;
  const double d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t);
  const double discriminant = d1 * d1 - left.slope * right.slope;
  // Also where a loss is NaN or infinite.
  if (!(discriminant >= 0) || std::isinf(discriminant)) return (low + high) / 2;
  const double d2 = std::sqrt(discriminant);
  const double t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::isnan(t) ? (low + high) / 2 : std::clamp(t, low, high);
}

/// The search as a machine: first it widens until two points enclose what is wanted, then it narrows them.
class Search {
 public:
  Search(const std::function<LinePoint(double)>& evaluate, const LinePoint& start, double largest_step,
         const WolfeOptions& options)
      : evaluate_(evaluate), start_(start), largest_step_(largest_step), o_(options) {}

  LinePoint run(double first_t) {
    LinePoint before = start_, now = at(first_t);
    for (bool first = true;; first = false) {
      // A NaN is taken for a rise: the search must shorten its step.
      if (!decreases(now) || (!first && now.loss >= before.loss)) return narrow(std::move(before), std::move(now));
      if (is_flat(now)) return now;
      if (now.slope >= 0) return narrow(std::move(now), std::move(before));
      if (spent()) return now;
      const double t = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t);
      before = std::exchange(now, at(t));
    }
  }

 private:
  LinePoint at(double t) {
    ++evaluations_;
    return evaluate_(t);
  }
  bool spent() const { return evaluations_ >= o_.max_evaluations; }
  bool decreases(const LinePoint& p) const { return p.loss <= start_.loss + o_.decrease * p.t * start_.slope; }
  bool is_flat(const LinePoint& p) const { return std::abs(p.slope) <= -o_.curvature * start_.slope; }

  /// `low` is the lower of the two ends.
  LinePoint narrow(LinePoint low, LinePoint high) {
    bool stuck = false;
    while (!spent() && std::abs(high.t - low.t) * largest_step_ >= o_.tolerance) {
      const double left = std::min(low.t, high.t), right = std::max(low.t, high.t), margin = 0.1 * (right - left);
      double t = cubic_minimum(low, high, left, right);
      // Twice in a row close to an end, or on it, makes no progress: step inwards.
      if (std::min(right - t, t - left) < margin) {
        if (stuck || t >= right || t <= left) {
          t = right - t < t - left ? right - margin : left + margin;
          stuck = false;
        } else {
          stuck = true;
        }
      } else {
        stuck = false;
      }
      LinePoint now = at(t);
      if (!decreases(now) || !(now.loss < low.loss)) {
        high = std::move(now);
        continue;
      }
      if (is_flat(now)) return now;
      if (now.slope * (high.t - low.t) >= 0) high = std::move(low);
      low = std::move(now);
    }
    return low;
  }

  const std::function<LinePoint(double)>& evaluate_;
  const LinePoint& start_;
  double largest_step_;
  const WolfeOptions& o_;
  std::int64_t evaluations_ = 0;
};

}  // namespace

LinePoint strong_wolfe(const std::function<LinePoint(double t)>& evaluate, const LinePoint& start, double first_t,
                       double largest_step, const WolfeOptions& options) {
  return Search(evaluate, start, largest_step, options).run(first_t);
}

}  // namespace dagrad::optim
