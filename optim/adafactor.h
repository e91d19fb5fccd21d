// Adafactor.
#pragma once

#include <optional>

#include "dagrad/optim/grouped.h"

namespace dagrad::optim {

struct AdafactorOptions {
  double lr = 1e-2;  ///< the largest relative step, and the factor of weight_decay
  double beta2_decay = -0.8;
  std::optional<double> eps1 = std::nullopt;  ///< none: the distance from 1 to the next number of the parameter's type
  double eps2 = 1e-3;
  double d = 1.0;
  double weight_decay = 0;  ///< decoupled
  bool maximize = false;
};
void describe(AdafactorOptions& options, OptionVisitor& visitor);

/// Second moments in memory of a row and a column (Shazeer and Stern 2018), in PyTorch's form. With w = t^beta2_decay,
/// for a parameter [..., R, C]: r += w (mean of g^2 over C - r), c += w (mean of g^2 over R - c),
/// v = r c / max(mean of r over R, eps1); for one of less than two dimensions: v += w (g^2 - v).
/// u = g / max(sqrt(v), eps1), p = p - lr weight_decay p
///   - max(eps2, rms(p)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d), with rms(p) before the decay.
/// Throws UsageError for beta2_decay > 0, d < 1 and other negative options.
class Adafactor final : public GroupedOptimizer<AdafactorOptions> {
 public:
  explicit Adafactor(const std::vector<Tensor>& parameters, const AdafactorOptions& options = {});
  /// With that learning rate: `optim::Adafactor(net.parameters(), 0.1)`.
  template <Rate R>
  Adafactor(const std::vector<Tensor>& parameters, R lr)
      : Adafactor(parameters, AdafactorOptions{.lr = static_cast<double>(lr)}) {}
  explicit Adafactor(const std::vector<Group>& groups);

 private:
  struct ParameterState {
    std::int64_t steps = 0;
    Tensor row_var, col_var, variance;
  };
  void update(const StepOptions& options) override;
  void save(State& state) const override;
  std::function<void()> prepare_load(StateReader& reader) override;

  std::vector<ParameterState> states_;
};

}  // namespace dagrad::optim
