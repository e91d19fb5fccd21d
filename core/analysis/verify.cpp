#include "dagrad/core/analysis/verify.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "dagrad/core/analysis/verify_roundings.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/index_at.h"

// Note [Bounds by probing]. An element of a result may be off by
//
//     roundings * u * (|element| + terms),
//
// u = 2^-24 for f32 and 2^-8 for bf16. `terms` stands for sum_j |x_j d(element)/d(x_j)|: what the result would change
// by, per unit of relative error in the inputs x. No op states it; so the f64 kernel runs again on inputs that are
// changed by 2^-24 of themselves, up or down at random, and the largest change of three such runs is taken. In a sum of
// many terms it can come out small by chance, or 0 where a sum just below 0 goes through a relu, so no element gets
// less than the median of those that change. The runs are made only when |element| alone does not explain what was
// found. An integer must be equal, unless such a change of the inputs changes it too.

namespace dagrad {
namespace detail {

constinit thread_local double kernel_roundings = 0;

}  // namespace detail

namespace {

constexpr double kUnit = 0x1p-24;
constexpr double kSmallest = 0x1p-126;  // what is below any normal number may have been flushed to zero
constexpr int kProbes = 3;

constinit thread_local VerifyMode* innermost = nullptr;

bool narrow(const Tensor& t) { return t.defined() && (t.dtype() == f32 || t.dtype() == bf16); }

/// `t` in f64, row-major; indices and masks as they are.
Tensor widened(const Tensor& t) {
  if (!narrow(t)) return t;
  Tensor wide = Tensor::allocate({t.shape(), f64});
  copy_elements(t, wide);
  return wide;
}

/// The elements in row-major order as f64.
std::vector<double> elements(const Tensor& t) { return t.to_vector<double>(); }

/// Every element of the f64 tensors times 1 + u or 1 - u.
std::vector<Tensor> perturbed(std::span<const Tensor> inputs, int probe) {
  std::vector<Tensor> result(inputs.begin(), inputs.end());
  std::uint64_t state = 0x9e3779b97f4a7c15u * static_cast<std::uint64_t>(probe + 1);
  for (Tensor& t : result) {
    if (!t.defined() || t.dtype() != f64) continue;
    Tensor moved = Tensor::allocate({t.shape(), f64});
    copy_elements(t, moved);
    double* const values = moved.mutable_data<double>();
    for (std::int64_t i = 0; i < moved.numel(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      values[i] *= (state >> 63) != 0 ? 1 + kUnit : 1 - kUnit;
    }
    t = moved;
  }
  return result;
}

/// The comparison of one op's results with those of its f64 kernel.
class Comparison {
 public:
  Comparison(const VerifyOptions& options, std::span<const Tensor> inputs, std::span<const Tensor> results,
             std::span<const Tensor> wanted, const VerifyMode::Rerun& rerun)
      : inputs_(inputs), results_(results), wanted_(wanted), rerun_(rerun), roundings_(options.f32_roundings * kUnit) {
    for (const Tensor& t : results) consider(t, options);
  }
  void consider(const Tensor& t, const VerifyOptions& options) {
    if (t.defined() && t.dtype() == bf16) roundings_ = std::max(roundings_, options.bf16_roundings * 0x1p-8);
  }

  std::optional<Mismatch> first() {
    for (std::size_t k = 0; k < results_.size(); ++k) {
      const std::vector<double> got = elements(results_[k]), want = elements(wanted_[k]);
      const bool exact = !is_floating(results_[k].dtype());
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (agree(got[i], want[i], exact ? 0 : allowed(want[i], 0))) continue;
        const double bound = allowed(exact ? 0 : want[i], terms(k, want)[i]);
        if (agree(got[i], want[i], bound)) continue;
        return Mismatch{
            {}, {}, k, index_at(results_[k].shape(), static_cast<std::int64_t>(i)), got[i], want[i], exact ? 0 : bound};
      }
    }
    return std::nullopt;
  }

 private:
  double allowed(double want, double terms) const { return roundings_ * (std::fabs(want) + terms) + kSmallest; }

  static bool agree(double got, double want, double bound) {
    if (got == want || (std::isnan(got) && std::isnan(want))) return true;
    // Rounding to the type may carry a large number over its edge.
    if (std::isinf(got) && std::isfinite(want))
      return std::signbit(got) == std::signbit(want) && std::fabs(want) + bound > kLargest;
    return std::fabs(got - want) <= bound;
  }

  /// How much each element of result `k` changes per unit of relative change of the inputs.
  const std::vector<double>& terms(std::size_t k, const std::vector<double>& want) {
    if (terms_of_ == k) return terms_;
    terms_of_ = k;
    terms_.assign(want.size(), 0);
    for (int probe = 0; probe < kProbes; ++probe) {
      const std::vector<double> moved = elements(rerun_(perturbed(inputs_, probe))[k]);
      for (std::size_t i = 0; i < want.size(); ++i) {
        const double change = std::fabs(moved[i] - want[i]) / kUnit;
        if (std::isfinite(change)) terms_[i] = std::max(terms_[i], change);
      }
    }
    if (!is_floating(results_[k].dtype())) return terms_;
    std::vector<double> changes = terms_;
    std::erase(changes, 0.0);
    if (changes.empty()) return terms_;
    const auto middle = changes.begin() + static_cast<std::ptrdiff_t>(changes.size() / 2);
    std::nth_element(changes.begin(), middle, changes.end());
    for (double& change : terms_) change = std::max(change, *middle);
    return terms_;
  }

  static constexpr double kLargest = std::numeric_limits<float>::max() * (1 - 0x1p-9);
  std::span<const Tensor> inputs_, results_, wanted_;
  const VerifyMode::Rerun& rerun_;
  double roundings_;
  std::size_t terms_of_ = std::numeric_limits<std::size_t>::max();
  std::vector<double> terms_;
};

}  // namespace

std::string Mismatch::str() const {
  return fmt::format(
      "verify: {}: result {} is {:.9g} at index {}: its f64 kernel gives {:.9g} (want at most {:.3g} between them)",
      place, result, got, index.str(), want, bound);
}

VerifyMode::VerifyMode(VerifyOptions options) : options_(std::move(options)), outer_(std::exchange(innermost, this)) {}
VerifyMode::~VerifyMode() { innermost = outer_; }

void VerifyMode::pass_over() {
  detail::kernel_roundings = 0;
  ++innermost->passed_over_[std::string(RunningOp::current()->name())];
}

void VerifyMode::check(std::span<const Tensor* const> inputs, std::span<const Tensor> results, const Rerun& rerun) {
  const double of_kernel = std::exchange(detail::kernel_roundings, 0);
  const auto is_narrow = [](const Tensor* t) { return narrow(*t); };
  if (std::none_of(inputs.begin(), inputs.end(), is_narrow) && std::none_of(results.begin(), results.end(), narrow))
    return;
  const Unwatched unwatched;
  VerifyMode& mode = *innermost;
  std::vector<Tensor> wide, wanted;
  for (const Tensor* t : inputs) wide.push_back(widened(*t));
  try {
    wanted = rerun(wide);
  } catch (const DTypeError&) {
    return pass_over();
  }
  VerifyOptions options = mode.options_;
  if (of_kernel > 0) options.f32_roundings *= of_kernel / VerifyOptions{}.f32_roundings;
  Comparison comparison(options, wide, results, wanted, rerun);
  for (const Tensor* t : inputs) comparison.consider(*t, mode.options_);
  ++mode.compared_;
  std::optional<Mismatch> mismatch = comparison.first();
  if (!mismatch) return;
  mismatch->op = RunningOp::current()->name();
  mismatch->place = RunningOp::current()->str();
  if (!mode.options_.on_mismatch) throw PrecisionError(mismatch->str());
  mode.options_.on_mismatch(*mismatch);
}

}  // namespace dagrad
