// Chains of elementwise kernels that run together, a few elements at a time. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/ops/pointwise.h"

namespace dagrad::pointwise {

/// Kernels that read and write numbered places. All elements of a place are of one kind.
struct Program {
  enum class Place : std::uint8_t {
    number,    ///< one element, known before the elements are gone through
    elements,  ///< as many elements as there are
    total      ///< one element, known when all have been gone through
  };
  enum class Code : std::uint8_t { unary, binary, sum };

  /// dst = f(a), f(a, b), or the sum of a over all elements, divided by numbers.a.
  struct Step {
    Code code;
    Unary unary = {};
    Binary binary = {};
    Numbers numbers = {};
    std::size_t a = 0, b = 0, dst = 0;
  };
  /// A place that holds a number of the function's own.
  struct Constant {
    std::size_t place;
    double value;
  };
  /// A place that is wanted, and the tensor that it becomes.
  struct Result {
    std::size_t place;
    Shape shape;
  };

  DType dtype = f32;       ///< f32 or f64, of all places
  std::int64_t count = 0;  ///< of elements
  std::vector<Place> places;
  std::vector<std::size_t> inputs;  ///< the place of each
  std::vector<Constant> constants;
  std::vector<Step> steps;  ///< in an order in which they can run
  std::vector<Result> results;

  /// The same without the steps that no result needs.
  Program needed() const;
};

/// Runs it on as many inputs as it was made for: contiguous tensors of program.count elements, or of one where the
/// place is a number. On several threads; sums are added up in an order that does not depend on how many.
std::vector<Tensor> run(const Program& program, std::span<const Tensor> inputs);

}  // namespace dagrad::pointwise
