// Tensors, shapes and element types as text.
#pragma once

#include <iosfwd>
#include <string>

#include "dagrad/core/tensor.h"

namespace dagrad {

struct PrintOptions {
  int precision = 4;              ///< digits behind the point
  std::int64_t threshold = 1000;  ///< tensors with more elements are summarised ...
  std::int64_t edge = 3;          ///< ... to this many at each end of an axis
  int width = 75;                 ///< columns of a line
  bool type = true;               ///< add shape, type and history: ` [2, 3] f32 (tanh)`
};

/// The elements as NumPy prints them: nested brackets, aligned columns, trailing zeros dropped, scientific notation
/// when the largest and the smallest magnitudes are far apart (1e8 or more, below 1e-4, or a ratio above 1000), `...`
/// for what is left out. Booleans are true and false.
std::string to_string(const Tensor& t, const PrintOptions& options = {});
std::ostream& operator<<(std::ostream& out, const Tensor& t);

/// `[64, 784]` and `f32`.
std::ostream& operator<<(std::ostream& out, const Shape& shape);
std::ostream& operator<<(std::ostream& out, DType dtype);

}  // namespace dagrad
