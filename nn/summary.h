// A table of a module's layers.
#pragma once

#include <string>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// Runs `module` on zeros of `input` (under NoGrad, in evaluation mode) and lists each layer with the shape of its
/// result and its parameters, and the sums below.
std::string summary(Module& module, const Shape& input, DType dtype = f32);

}  // namespace dagrad::nn
