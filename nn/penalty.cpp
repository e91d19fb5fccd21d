#include "dagrad/nn/penalty.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"

namespace dagrad::nn {
namespace {

void add_to(Tensor& total, const Tensor& term) { total = total.defined() ? total + term : term; }

template <class Size>
Tensor total_of(const char* name, const std::vector<Tensor>& tensors, const Size& size) {
  if (tensors.empty()) throw UsageError(fmt::format("{}: no tensors (want at least one)", name));
  Tensor total;
  for (const Tensor& t : tensors) add_to(total, sum(size(t)));
  return total;
}

}  // namespace

Tensor l1_norm(const std::vector<Tensor>& tensors) {
  return total_of("l1_norm", tensors, [](const Tensor& t) { return abs(t); });
}

Tensor squared_l2_norm(const std::vector<Tensor>& tensors) {
  return total_of("squared_l2_norm", tensors, [](const Tensor& t) { return square(t); });
}

Tensor penalty(const std::vector<PenaltyGroup>& groups) {
  for (const PenaltyGroup& group : groups) {
    if (!(group.l1 >= 0 && group.l2 >= 0))
      throw UsageError(fmt::format("penalty: l1 is {}, l2 is {} (want both at least 0)", group.l1, group.l2));
  }
  Tensor total;
  for (const PenaltyGroup& group : groups) {
    if (group.parameters.empty()) continue;
    if (group.l1 > 0) add_to(total, l1_norm(group.parameters) * group.l1);
    if (group.l2 > 0) add_to(total, squared_l2_norm(group.parameters) * group.l2);
  }
  if (!total.defined()) throw UsageError("penalty: nothing to penalise (want a group with parameters and a strength)");
  return total;
}

}  // namespace dagrad::nn
