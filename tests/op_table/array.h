// Arrays of doubles, on which the independent references of the op table are written: plain loops, none of dagrad's
// code.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::op_table {

/// A row-major array.
struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(const Shape& of_shape, double value = 0);
  Array(const Shape& of_shape, std::vector<double> with_values) : shape(of_shape), values(std::move(with_values)) {}

  std::size_t size() const { return values.size(); }
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
};

using Arrays = std::vector<Array>;
using Index = std::vector<std::int64_t>;

/// The number of elements of a shape.
std::int64_t count_of(const Shape& shape);
/// The position of `index` in a row-major array of `shape`; axes of size 1 repeat, surplus leading ones are ignored.
std::int64_t flat(const Shape& shape, const Index& index);
/// All indices of `shape` in row-major order, for loops: `for (const Index& index : indices(shape))`.
class indices {
 public:
  explicit indices(const Shape& shape) : shape_(shape), count_(count_of(shape)), index_(shape.size(), 0) {}

  class Iterator {
   public:
    Iterator(indices* owner, std::int64_t at) : owner_(owner), at_(at) {}
    const Index& operator*() const { return owner_->index_; }
    Iterator& operator++() {
      ++at_;
      owner_->advance();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    indices* owner_;
    std::int64_t at_;
  };
  Iterator begin() { return {this, 0}; }
  Iterator end() { return {this, count_}; }

 private:
  void advance();
  Shape shape_;
  std::int64_t count_;
  Index index_;  // one for the whole loop: an allocation for each would take most of the tests' time
};

/// f of each element.
template <class F>
Array map(const Array& x, const F& f) {
  Array result(x.shape);
  for (std::size_t i = 0; i < x.size(); ++i) result.values[i] = f(x.values[i]);
  return result;
}

/// The broadcast shape, by NumPy's rule; the shapes must fit.
Shape broadcast(const Shape& a, const Shape& b);

/// f of each pair of elements.
template <class F>
Array zip(const Array& a, const Array& b, const F& f) {
  Array result(broadcast(a.shape, b.shape));
  std::int64_t i = 0;
  if (a.shape == b.shape) {
    for (; i < static_cast<std::int64_t>(a.size()); ++i) result[i] = f(a[i], b[i]);
    return result;
  }
  for (const Index& index : indices(result.shape)) result[i++] = f(a[flat(a.shape, index)], b[flat(b.shape, index)]);
  return result;
}

inline Array absolute(const Array& x) {
  return map(x, [](double v) { return std::fabs(v); });
}
Arrays absolute(std::span<const Array> arrays);

Array to_array(const Tensor& t);
Arrays to_arrays(std::span<const Tensor> tensors);

}  // namespace dagrad::op_table
