#include "dagrad/nn/sequential.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad::nn {

Module& Sequential::operator[](std::size_t i) {
  if (i >= children_.size()) throw UsageError(fmt::format("Sequential: index {} (want below {})", i, children_.size()));
  return *children_[i];
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor result = x;
  for (const AnyModule& child : children_) result = child(result);
  return result;
}

void Sequential::parts(Parts& p) {
  for (std::size_t i = 0; i < children_.size(); ++i) p.module(std::to_string(i), *children_[i]);
}

}  // namespace dagrad::nn
