// The kinds of calls that random programs are made of.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "op_table/array.h"
#include "random_dag/program.h"

namespace dagrad::random_dag {

/// Random choices that depend on the seed alone.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }
  /// From low to high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  std::int64_t below(std::int64_t count) { return between(0, count - 1); }
  bool chance(double probability) { return static_cast<double>(engine_() >> 11) * 0x1p-53 < probability; }
  /// From -2 to 2, with few digits.
  double number() { return static_cast<double>(between(-2000, 2000)) / 1000; }
  std::vector<double> numbers(std::int64_t count) {
    std::vector<double> result;
    for (std::int64_t i = 0; i < count; ++i) result.push_back(number());
    return result;
  }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.size())))];
  }
  /// A permutation of 0 .. count - 1.
  std::vector<std::int64_t> permutation(std::int64_t count);

 private:
  std::mt19937_64 engine_;
};

/// Makes a statement for operands of these shapes, with attributes chosen at random; none where the shapes do not suit.
using Make = std::function<std::optional<Statement>(std::span<const Shape> operands, Random& random)>;

struct Kind {
  int operands = 1;
  Make make;
};

/// All kinds there are.
const std::vector<Kind>& all_kinds();

// The families.
std::vector<Kind> unary_kinds();
std::vector<Kind> binary_kinds();
std::vector<Kind> view_kinds();
std::vector<Kind> arranging_kinds();
std::vector<Kind> indexing_kinds();
std::vector<Kind> reducing_kinds();
std::vector<Kind> product_kinds();

// --- pieces that kinds are made of ---

using op_table::flat, op_table::Index, op_table::indices;
using Run = std::function<Tensor(std::span<const Tensor>)>;

/// A formula of one element of each operand, which broadcast.
struct Elementwise {
  const char* text;
  Run run;
  Formula formula;
  Regular regular = nullptr;
  int operands = 1;
  int conditions = 0;
};
Kind kind_of(const Elementwise& op);

/// A statement whose elements come from one place of operand 0 each. from: index in the result -> index in it.
template <class From>
Statement moved(std::string text, Run run, const Shape& source, const Shape& shape, const From& from) {
  Statement result{.shape = shape, .text = std::move(text), .run = std::move(run)};
  std::int64_t to = 0;
  for (const Index& index : indices(shape))
    result.meaning.sum.push_back({.to = to++, .a = {0, flat(source, from(index))}});
  return result;
}

/// The same elements in the same order in another shape.
Statement reshaped(std::string text, Run run, const Shape& shape);

/// `{1, 2}`.
std::string braced(const std::vector<std::int64_t>& list);

/// A constant tensor of indices and how it is written.
Tensor index_tensor(const std::vector<std::int64_t>& values, const Shape& shape);
std::string index_text(const std::vector<std::int64_t>& values, const Shape& shape);

/// NumPy's broadcast, if the shapes fit.
std::optional<Shape> common_shape(std::span<const Shape> shapes);

}  // namespace dagrad::random_dag
