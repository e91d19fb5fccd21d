#include "dagrad/nn/sequential.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad::nn {

Sequential::Sequential(const Sequential& other) : Module(other) {
  for (const Child& child : other.children_) children_.push_back({child.copy(*child.module), child.copy});
}

Sequential& Sequential::operator=(const Sequential& other) {
  if (this != &other) *this = Sequential(other);
  return *this;
}

Module& Sequential::operator[](std::size_t i) {
  if (i >= children_.size()) throw UsageError(fmt::format("Sequential: index {} (want below {})", i, children_.size()));
  return *children_[i].module;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor result = x;
  for (const Child& child : children_) result = (*child.module)(result);
  return result;
}

void Sequential::parts(Parts& p) {
  for (std::size_t i = 0; i < children_.size(); ++i) p.module(std::to_string(i), *children_[i].module);
}

}  // namespace dagrad::nn
