#include "dagrad/optim/optimizer.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad::optim {

void check_option(bool holds, std::string_view optimizer, std::string_view what, double value, std::string_view want) {
  if (!holds) throw UsageError(fmt::format("{}: {} is {} (want {})", optimizer, what, value, want));
}

Optimizer::Optimizer(std::string_view optimizer, std::vector<Tensor> parameters, double lr)
    : name_(optimizer), parameters_(std::move(parameters)) {
  set_lr(lr);
  if (parameters_.empty()) throw UsageError(fmt::format("{}: no parameters (want at least one)", name_));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i];
    const auto where = [&] { return fmt::format("{}: parameter {} of shape {}", name_, i, p.shape().str()); };
    if (!p.requires_grad()) throw UsageError(where() + " requires no gradient (want requires_grad_())");
    if (!p.is_leaf()) throw UsageError(where() + " is the result of an op (want a leaf)");
    if (p.dtype() != f32 && p.dtype() != f64)
      throw DTypeError(fmt::format("{} is {} (want f32 or f64)", where(), name_of(p.dtype())));
    if (!p.is_contiguous()) throw ShapeError(where() + " is not contiguous (want row-major elements)");
    for (std::size_t k = 0; k < i; ++k) {
      if (parameters_[k].is_same(p))
        throw UsageError(fmt::format("{} is parameter {} again (want each once)", where(), k));
    }
  }
}

void Optimizer::set_lr(double lr) {
  check_option(lr >= 0 && std::isfinite(lr), name_, "lr", lr, "a finite number >= 0");
  lr_ = lr;
}

void Optimizer::step() {
  const NoGrad guard;
  begin_step();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].grad();
    if (gradient.defined()) update(i, parameters_[i], contiguous_data(gradient));
  }
}

void Optimizer::zero_grad(bool set_to_none) {
  for (const Tensor& p : parameters_) p.zero_grad(set_to_none);
}

}  // namespace dagrad::optim
