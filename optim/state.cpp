#include "dagrad/optim/state.h"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"

namespace dagrad::optim {

StateReader::StateReader(std::string_view kind, const State& state) : kind_(kind), state_(state) {
  if (state.kind != kind)
    throw UsageError(fmt::format("{}: the state is that of {} (want {})", kind, state.kind, kind));
}

void StateReader::fail(std::string problem) {
  problems_.push_back(std::move(problem));
  if (problems_.size() == 1) throw UsageError(fmt::format("{}: {}", kind_, problems_.front()));
  throw UsageError(fmt::format("{}: the state does not fit:\n  {}", kind_, fmt::join(problems_, "\n  ")));
}

double StateReader::number(const std::string& name) {
  const auto found = state_.numbers.find(name);
  if (found == state_.numbers.end())
    fail(fmt::format("the state has no number '{}' (want a state saved from the same model)", name));
  taken_.insert(name);
  return found->second;
}

std::int64_t StateReader::count(const std::string& name) {
  const double value = number(name);
  if (!(value >= 0 && value <= 0x1p53 && value == std::floor(value)))
    fail(fmt::format("'{}' of the state is {} (want a whole number >= 0)", name, value));
  return static_cast<std::int64_t>(value);
}

void StateReader::expect(const std::string& name, double want, std::string_view what) {
  if (const double value = number(name); value != want)
    fail(fmt::format("the state has {} {} (want {})", value, what, want));
}

const Tensor& StateReader::tensor(const std::string& name) {
  const auto found = state_.tensors.find(name);
  if (found == state_.tensors.end() || !found->second.defined())
    fail(fmt::format("the state has no tensor '{}' (want a state saved from the same model)", name));
  taken_.insert(name);
  return found->second;
}

const Tensor& StateReader::tensor(const std::string& name, const Shape& shape, DType dtype) {
  const Tensor& found = tensor(name);
  if (found.shape() == shape && found.dtype() == dtype) return found;
  problems_.push_back(fmt::format("'{}' of the state is {} of shape {} (want {} of shape {})", name,
                                  name_of(found.dtype()), found.shape().str(), name_of(dtype), shape.str()));
  return substitutes_.emplace_back(zeros(shape, dtype));
}

void StateReader::finish() {
  const auto check = [&](const auto& entries) {
    for (const auto& [name, value] : entries) {
      if (!taken_.contains(name)) {
        problems_.push_back(fmt::format(
            "the state has '{}' that nothing here asks for (want a state saved from the same model)", name));
      }
    }
  };
  check(state_.numbers);
  check(state_.tensors);
  if (problems_.empty()) return;
  std::string last = std::move(problems_.back());
  problems_.pop_back();
  fail(std::move(last));
}

}  // namespace dagrad::optim
