#include "dagrad/nn/sequential.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/joined_activation.h"

namespace dagrad::nn {

Module& Sequential::operator[](std::size_t i) {
  if (i >= children_.size()) throw UsageError(fmt::format("Sequential: index {} (want below {})", i, children_.size()));
  return *children_[i];
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor result = x;
  // A layer and the activation behind it run as one op: with a tensor less to write and keep, the same values and the
  // same gradients.
  const bool may_join = !is_observed();
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const bool is_last = i + 1 == children_.size();
    const auto activation = may_join && !is_last ? joins(*children_[i], *children_[i + 1]) : std::nullopt;
    if (activation) {
      const JoinedActivation scope(*activation);
      result = children_[i++](result);
    } else {
      result = children_[i](result);
    }
  }
  return result;
}

void Sequential::parts(Parts& p) {
  for (std::size_t i = 0; i < children_.size(); ++i) p.module(std::to_string(i), *children_[i]);
}

}  // namespace dagrad::nn
