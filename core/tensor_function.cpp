#include "dagrad/core/tensor_function.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad {

void TensorFunction::check_arity(std::string_view caller, std::size_t inputs) const {
  if (arity_ == 0 || arity_ == inputs) return;
  throw UsageError(fmt::format("{}: {} inputs for a function of {} (want one each)", caller, inputs, arity_));
}

}  // namespace dagrad
