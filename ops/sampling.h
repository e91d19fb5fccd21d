// Drawing from distributions that tensors give. What is drawn comes from a generator and does not depend on the number
// of threads. It is a constant to derivatives: no gradient flows to the probabilities.
#pragma once

#include <cstdint>

#include "dagrad/core/location.h"
#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[p] = 1 with probability probabilities[p], else 0, each for itself and of the same type (f32, bf16 or f64). As
/// torch.bernoulli. Throws UsageError that names an element outside [0, 1] and its position; DTypeError.
Tensor bernoulli(const Tensor& probabilities, Generator& generator = default_generator(),
                 Location where = Location::current());

/// `count` numbers of classes (i64) for each row of `probabilities` [C] or [N, C], which need not sum to 1: [count] or
/// [N, count]. With `replacement` each is c with probability probabilities[n, c] / sum. Without, no class comes twice:
/// each is drawn so from those that are left, in this order. A class of probability 0 is never drawn. As
/// torch.multinomial. Throws UsageError for an element that is negative, NaN or infinite, a row of zeros, and more
/// draws without replacement than there are classes of more than 0; ShapeError, DTypeError.
Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement = false,
                   Generator& generator = default_generator(), Location where = Location::current());

}  // namespace dagrad
