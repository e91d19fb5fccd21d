// Parameters rounded to bf16 once, not at each use. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad {

/// The elements of the f32 tensor `t`, rounded to bf16, without a history; not to be written to. Of a leaf that lies in
/// line the copy is kept with it until its elements change. Safe to call from several threads.
Tensor rounded_to_bf16(const Tensor& t);

/// For who changes the elements of the leaf and can write the rounded ones in the same pass: the copy that is kept of
/// the leaf; undefined where there is none.
Tensor kept_bf16_copy(const Tensor& leaf);
/// Says, after the change, that the kept copy was written along with the leaf.
void renew_bf16_copy(const Tensor& leaf);

}  // namespace dagrad
