#include "random_dag/kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

#include "dagrad/core/creation.h"

namespace dagrad::random_dag {

std::vector<std::int64_t> Random::permutation(std::int64_t count) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  for (std::size_t i = result.size(); i > 1; --i)
    std::swap(result[i - 1], result[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
  return result;
}

const std::vector<Kind>& all_kinds() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> result;
    for (const auto& family :
         {unary_kinds, binary_kinds, view_kinds, arranging_kinds, indexing_kinds, reducing_kinds, product_kinds}) {
      for (Kind& kind : family()) result.push_back(std::move(kind));
    }
    return result;
  }();
  return all;
}

Kind kind_of(const Elementwise& op) {
  return {op.operands, [op](std::span<const Shape> shapes, Random&) -> std::optional<Statement> {
            const auto shape = common_shape(shapes);
            if (!shape) return std::nullopt;
            Statement result{.shape = *shape, .text = op.text, .run = op.run, .conditions = op.conditions};
            result.meaning.formula = op.formula;
            result.meaning.regular = op.regular;
            for (const Index& index : indices(*shape)) {
              std::vector<Place>& places = result.meaning.arguments.emplace_back();
              for (std::size_t k = 0; k < shapes.size(); ++k)
                places.push_back({static_cast<int>(k), flat(shapes[k], index)});
            }
            return result;
          }};
}

Statement reshaped(std::string text, Run run, const Shape& shape) {
  Statement result{.shape = shape, .text = std::move(text), .run = std::move(run)};
  for (std::int64_t i = 0; i < count_of(shape); ++i) result.meaning.sum.push_back({.to = i, .a = {0, i}});
  return result;
}

std::string braced(const std::vector<std::int64_t>& list) { return fmt::format("{{{}}}", fmt::join(list, ", ")); }

Tensor index_tensor(const std::vector<std::int64_t>& values, const Shape& shape) { return tensor(values, shape); }

std::string index_text(const std::vector<std::int64_t>& values, const Shape& shape) {
  return fmt::format("tensor(std::vector<std::int64_t>{}, {{{}}})", braced(values), fmt::join(shape, ", "));
}

std::optional<Shape> common_shape(std::span<const Shape> shapes) {
  Shape result;
  for (const Shape& shape : shapes) {
    const int rank = std::max(result.rank(), shape.rank());
    Shape both = Shape::filled(rank, 1);
    for (int i = 1; i <= rank; ++i) {
      const std::int64_t a = i <= result.rank() ? result[result.rank() - i] : 1;
      const std::int64_t b = i <= shape.rank() ? shape[shape.rank() - i] : 1;
      if (a != b && a != 1 && b != 1) return std::nullopt;
      both[rank - i] = a == 1 ? b : a;
    }
    result = both;
  }
  return result;
}

}  // namespace dagrad::random_dag
