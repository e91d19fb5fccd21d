// Learning without gradients, by trying out changes of the weights.
#pragma once

#include "dagrad/core/random.h"
#include "dagrad/optim/grouped.h"

namespace dagrad::optim {

enum class Perturb : std::uint8_t { each, all };

struct WeightPerturbationOptions {
  double lr = 1e-2;
  Perturb perturb = Perturb::all;
  double size = 1e-3;        ///< of a perturbation; in f32 not below 1e-3 of the weights, or rounding drowns the change
  std::int64_t samples = 1;  ///< perturbations whose estimates are averaged (Perturb::all)
  std::int64_t seed = 0;     ///< of their signs, within +-2^53
  bool maximize = false;
};
void describe(WeightPerturbationOptions& options, OptionVisitor& visitor);

/// Descent along a gradient that is estimated from losses L alone: the baseline that shows what backpropagation saves.
///
/// Perturb::each changes one weight at a time: g_i = (L(p + size e_i) - L(p)) / size for every weight: as many
/// evaluations as there are weights, and one. Perturb::all changes all weights at once by +-size, with random signs z:
/// g = (L(p + size z) - L(p - size z)) / (2 size) z (Spall 1992), averaged over `samples`: two evaluations each, but
/// the estimate's noise grows with the number of weights. Then p = p - lr g.
///
/// step(closure) calls the closure with recording off and takes the loss it returns; it needs no backward. It returns
/// L(p), for Perturb::all the mean of the losses seen. step() without a closure throws UsageError. When the closure
/// throws, or a loss is not finite (GradientError), the parameters are as before. One group only.
class WeightPerturbation final : public GroupedOptimizer<WeightPerturbationOptions> {
 public:
  explicit WeightPerturbation(const std::vector<Tensor>& parameters, const WeightPerturbationOptions& options = {});
  /// With that learning rate: `optim::WeightPerturbation(net.parameters(), 0.1)`.
  template <Rate R>
  WeightPerturbation(const std::vector<Tensor>& parameters, R lr)
      : WeightPerturbation(parameters, WeightPerturbationOptions{.lr = static_cast<double>(lr)}) {}

  /// How often the closure was called so far.
  std::int64_t evaluations() const { return evaluations_; }
  bool needs_closure() const override { return true; }

 private:
  void update(const StepOptions& options) override;
  Tensor update_with(const Closure& closure) override;
  void save(State& state) const override;
  std::function<void()> prepare_load(StateReader& reader) override;

  double loss_at(const std::vector<double>& values, const Closure& closure);

  std::int64_t evaluations_ = 0;
  std::uint64_t position_ = 0;  // in the stream of random numbers
};

}  // namespace dagrad::optim
