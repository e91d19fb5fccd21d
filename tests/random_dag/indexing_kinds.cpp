#include <fmt/format.h>

#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
using Shapes = std::span<const Shape>;
using Made = std::optional<Statement>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<std::int64_t> positions(Random& random, std::int64_t count, std::int64_t below) {
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(random.below(below));
  return result;
}

/// An axis with something in it.
std::optional<int> some_axis(const Shape& shape, Random& random) {
  if (shape.rank() == 0) return {};
  const int axis = static_cast<int>(random.below(shape.rank()));
  return shape[axis] == 0 ? std::nullopt : std::optional(axis);
}

Made index_select_kind(Shapes in, Random& random) {
  const auto axis = some_axis(in[0], random);
  if (!axis) return {};
  const auto list = positions(random, random.between(1, 3), in[0][*axis]);
  const Shape index_shape{static_cast<std::int64_t>(list.size())};
  Shape to = in[0];
  to[*axis] = index_shape[0];
  return moved(
      fmt::format("index_select(#0, {}, {})", *axis, index_text(list, index_shape)),
      [=, axis = *axis](In t) { return index_select(t[0], axis, index_tensor(list, index_shape)); }, in[0], to,
      [&](Index index) {
        index[at(*axis)] = list[at(index[at(*axis)])];
        return index;
      });
}

Made gather_kind(Shapes in, Random& random) {
  const auto axis = some_axis(in[0], random);
  if (!axis) return {};
  Shape to = in[0];
  to[*axis] = random.between(1, 3);
  const auto list = positions(random, count_of(to), in[0][*axis]);
  return moved(
      fmt::format("gather(#0, {}, {})", *axis, index_text(list, to)),
      [=, axis = *axis](In t) { return gather(t[0], axis, index_tensor(list, to)); }, in[0], to,
      [&](Index index) {
        index[at(*axis)] = list[at(flat(to, index))];
        return index;
      });
}

Made take_kind(Shapes in, Random& random) {
  if (count_of(in[0]) == 0) return {};
  const Shape to{random.between(1, 2), random.between(1, 3)};
  const auto list = positions(random, count_of(to), count_of(in[0]));
  Statement result{.shape = to, .text = fmt::format("take(#0, {})", index_text(list, to)), .run = [=](In t) {
                     return take(t[0], index_tensor(list, to));
                   }};
  for (std::size_t i = 0; i < list.size(); ++i)
    result.meaning.sum.push_back({.to = static_cast<std::int64_t>(i), .a = {0, list[i]}});
  return result;
}

Made embedding_kind(Shapes in, Random& random) {
  if (in[0].rank() != 2 || in[0][0] == 0) return {};
  const Shape index_shape{random.between(1, 3)};
  const auto list = positions(random, index_shape[0], in[0][0]);
  return moved(
      fmt::format("embedding(#0, {})", index_text(list, index_shape)),
      [=](In t) { return embedding(t[0], index_tensor(list, index_shape)); }, in[0], {index_shape[0], in[0][1]},
      [&](Index index) {
        index[0] = list[at(index[0])];
        return index;
      });
}

/// Whether b is as long as a, or with kShorter not longer, along all other axes.
bool suits(const Shape& a, const Shape& b, int axis, bool may_be_shorter) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (i != axis && (b[i] > a[i] || (b[i] < a[i] && !may_be_shorter))) return false;
  }
  return true;
}

template <bool kAdd>
Made scatter_kind(Shapes in, Random& random) {
  const auto axis = some_axis(in[0], random);
  if (!axis || !suits(in[0], in[1], *axis, true)) return {};
  const Shape from = in[1];
  const auto list = positions(random, count_of(from), in[0][*axis]);
  Statement result = reshaped(
      fmt::format("{}(#0, {}, {}, #1)", kAdd ? "scatter_add" : "scatter", *axis, index_text(list, from)),
      [=, axis = *axis](In t) {
        const Tensor index = index_tensor(list, from);
        return kAdd ? scatter_add(t[0], axis, index, t[1]) : scatter(t[0], axis, index, t[1]);
      },
      in[0]);
  std::vector<Term>& sum = result.meaning.sum;
  std::int64_t place = 0;
  for (Index index : indices(from)) {
    index[at(*axis)] = list[at(place)];
    const Term term{.to = flat(in[0], index), .a = {1, place++}};
    // Terms are in row-major order, so that where several meet the last along the axis stands.
    if (kAdd)
      sum.push_back(term);
    else
      sum[at(term.to)] = term;
  }
  return result;
}

Made index_add_kind(Shapes in, Random& random) {
  const auto axis = some_axis(in[0], random);
  if (!axis || !suits(in[0], in[1], *axis, false)) return {};
  const Shape index_shape{in[1][*axis]};
  const auto list = positions(random, index_shape[0], in[0][*axis]);
  Statement result = reshaped(
      fmt::format("index_add(#0, {}, {}, #1, -0.5)", *axis, index_text(list, index_shape)),
      [=, axis = *axis](In t) { return index_add(t[0], axis, index_tensor(list, index_shape), t[1], -0.5); }, in[0]);
  std::int64_t place = 0;
  for (Index index : indices(in[1])) {
    index[at(*axis)] = list[at(index[at(*axis)])];
    result.meaning.sum.push_back({.to = flat(in[0], index), .a = {1, place++}, .factor = -0.5});
  }
  return result;
}

}  // namespace

std::vector<Kind> indexing_kinds() {
  return {{1, index_select_kind},   {1, gather_kind},        {1, take_kind},     {1, embedding_kind},
          {2, scatter_kind<false>}, {2, scatter_kind<true>}, {2, index_add_kind}};
}

}  // namespace dagrad::random_dag
