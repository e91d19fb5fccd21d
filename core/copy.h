// Copying elements between tensors of any strides and types. Not recorded: for kernels and for data.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst = src, element by element, converting the type. Equal shapes.
void copy_elements(const Tensor& src, Tensor& dst);

/// `t` itself when it is row-major and without gaps, else a copy that is. History is not carried over to a copy.
Tensor contiguous_data(const Tensor& t);

/// `t` itself when it lies channels-last (or has fewer than 3 dimensions and is contiguous), else a copy that does.
Tensor channels_last_data(const Tensor& t);

/// dst = a + b, element by element; dst may be a or b. Equal shapes and floating types.
void add_elements(const Tensor& a, const Tensor& b, Tensor& dst);

}  // namespace dagrad
