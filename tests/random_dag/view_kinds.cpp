#include <fmt/format.h>

#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
using Shapes = std::span<const Shape>;
using Made = std::optional<Statement>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
std::vector<std::int64_t> sizes_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// Another shape for as many elements.
Made reshape_kind(Shapes in, Random& random) {
  const std::int64_t count = count_of(in[0]);
  Shape to;
  std::int64_t left = count;
  while (left > 1 && to.rank() < 3) {
    std::int64_t size = random.between(1, left);
    while (left % size != 0) --size;
    to.push_back(to.rank() == 2 ? left : size);
    left /= size;
  }
  if (left != 1) to = {count};
  return reshaped(
      fmt::format("reshape(#0, {})", braced(sizes_of(to))), [to](In t) { return reshape(t[0], to); }, to);
}

Made flatten_kind(Shapes in, Random&) {
  return reshaped("flatten(#0)", [](In t) { return flatten(t[0]); }, {count_of(in[0])});
}

Made squeeze_kind(Shapes in, Random&) {
  Shape to;
  for (const std::int64_t size : in[0]) {
    if (size != 1) to.push_back(size);
  }
  return reshaped(
      "squeeze(#0)", [](In t) { return squeeze(t[0]); }, to);
}

Made unsqueeze_kind(Shapes in, Random& random) {
  if (in[0].rank() > 3) return {};
  const std::int64_t axis = random.between(0, in[0].rank());
  Shape to = in[0];
  to.insert(static_cast<int>(axis), 1);
  return reshaped(
      fmt::format("unsqueeze(#0, {})", axis), [axis](In t) { return unsqueeze(t[0], axis); }, to);
}

Made permute_kind(Shapes in, Random& random) {
  const std::vector<std::int64_t> axes = random.permutation(in[0].rank());
  Shape to;
  for (const std::int64_t axis : axes) to.push_back(in[0][static_cast<int>(axis)]);
  return moved(
      fmt::format("permute(#0, {})", braced(axes)), [axes](In t) { return permute(t[0], axes); }, in[0], to,
      [&](const Index& index) {
        Index from(index.size());
        for (std::size_t i = 0; i < axes.size(); ++i) from[at(axes[i])] = index[i];
        return from;
      });
}

Made transpose_kind(Shapes in, Random&) {
  const int rank = in[0].rank();
  if (rank < 2) return {};
  Shape to = in[0];
  std::swap(to[rank - 1], to[rank - 2]);
  return moved(
      "transpose(#0)", [](In t) { return transpose(t[0]); }, in[0], to,
      [](Index index) {
        std::swap(index[index.size() - 1], index[index.size() - 2]);
        return index;
      });
}

Made expand_kind(Shapes in, Random& random) {
  Shape to = in[0];
  for (std::int64_t& size : to) size = size == 1 ? random.between(1, 3) : size;
  if (random.chance(0.3)) to.insert(0, random.between(1, 2));
  return moved(
      fmt::format("expand(#0, {})", braced(sizes_of(to))), [to](In t) { return expand(t[0], to); }, in[0], to,
      [](const Index& index) { return index; });
}

Made slice_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank());
  const std::int64_t size = in[0][static_cast<int>(axis)], start = random.between(0, size),
                     end = random.between(start, size), step = random.between(1, 2);
  Shape to = in[0];
  to[static_cast<int>(axis)] = (end - start + step - 1) / step;
  return moved(
      fmt::format("slice(#0, {}, {}, {}, {})", axis, start, end, step),
      [=](In t) { return slice(t[0], axis, start, end, step); }, in[0], to,
      [&](Index index) {
        index[at(axis)] = start + step * index[at(axis)];
        return index;
      });
}

Made select_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank()), size = in[0][static_cast<int>(axis)];
  if (size == 0) return {};
  const std::int64_t position = random.below(size);
  Shape to = in[0];
  to.erase(static_cast<int>(axis));
  return moved(
      fmt::format("select(#0, {}, {})", axis, position), [=](In t) { return select(t[0], axis, position); }, in[0], to,
      [&](Index index) {
        index.insert(index.begin() + axis, position);
        return index;
      });
}

Made chunk_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank()), size = in[0][static_cast<int>(axis)];
  if (size < 2) return {};
  const std::int64_t length = (size + 1) / 2, part = random.below(2);
  Shape to = in[0];
  to[static_cast<int>(axis)] = part == 0 ? length : size - length;
  return moved(
      fmt::format("chunk(#0, 2, {})[{}]", axis, part), [=](In t) { return chunk(t[0], 2, axis)[at(part)]; }, in[0], to,
      [&](Index index) {
        index[at(axis)] += part * length;
        return index;
      });
}

Made unfold_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0 || in[0].rank() > 3) return {};
  const std::int64_t axis = random.below(in[0].rank()), size = in[0][static_cast<int>(axis)],
                     window = random.between(0, size), step = random.between(1, 2);
  Shape to = in[0];
  to[static_cast<int>(axis)] = (size - window) / step + 1;
  to.push_back(window);
  return moved(
      fmt::format("unfold(#0, {}, {}, {})", axis, window, step), [=](In t) { return unfold(t[0], axis, window, step); },
      in[0], to,
      [&](Index index) {
        index[at(axis)] = index[at(axis)] * step + index.back();
        index.pop_back();
        return index;
      });
}

Made diagonal_kind(Shapes in, Random& random) {
  if (in[0].rank() < 2) return {};
  const std::int64_t offset = random.between(-1, 1);
  const std::int64_t rows = in[0][0], columns = in[0][1];
  Shape to = in[0];
  to.erase(0);
  to.erase(0);
  to.push_back(std::max<std::int64_t>(
      0, std::min(rows + std::min<std::int64_t>(offset, 0), columns - std::max<std::int64_t>(offset, 0))));
  return moved(
      fmt::format("diagonal(#0, {})", offset), [=](In t) { return diagonal(t[0], offset); }, in[0], to,
      [&](Index index) {
        const std::int64_t place = index.back();
        index.pop_back();
        index.insert(index.begin(),
                     {place - std::min<std::int64_t>(offset, 0), place + std::max<std::int64_t>(offset, 0)});
        return index;
      });
}

}  // namespace

std::vector<Kind> view_kinds() {
  std::vector<Kind> result;
  for (const auto& make : {reshape_kind, flatten_kind, squeeze_kind, unsqueeze_kind, permute_kind, transpose_kind,
                           expand_kind, slice_kind, select_kind, chunk_kind, unfold_kind, diagonal_kind})
    result.push_back({1, make});
  return result;
}

}  // namespace dagrad::random_dag
