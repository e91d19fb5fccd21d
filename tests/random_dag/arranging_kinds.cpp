#include <fmt/format.h>

#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
using Shapes = std::span<const Shape>;
using Made = std::optional<Statement>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

Made clone_kind(Shapes in, Random&) {
  return reshaped(
      "clone(#0)", [](In t) { return clone(t[0]); }, in[0]);
}

Made contiguous_kind(Shapes in, Random&) {
  return reshaped(
      "contiguous(#0)", [](In t) { return contiguous(t[0]); }, in[0]);
}

Made channels_last_kind(Shapes in, Random&) {
  if (in[0].rank() < 3) return {};
  return reshaped(
      "channels_last(#0)", [](In t) { return channels_last(t[0]); }, in[0]);
}

Made flip_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank());
  return moved(
      fmt::format("flip(#0, {{{}}})", axis), [axis](In t) { return flip(t[0], {axis}); }, in[0], in[0],
      [&](Index index) {
        index[at(axis)] = in[0][static_cast<int>(axis)] - 1 - index[at(axis)];
        return index;
      });
}

Made roll_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank()), shift = random.between(-2, 2),
                     size = in[0][static_cast<int>(axis)];
  return moved(
      fmt::format("roll(#0, {}, {})", shift, axis), [=](In t) { return roll(t[0], shift, axis); }, in[0], in[0],
      [&](Index index) {
        index[at(axis)] = (index[at(axis)] - shift + 2 * size) % size;
        return index;
      });
}

Made tile_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  std::vector<std::int64_t> times;
  Shape to = in[0];
  for (std::int64_t& size : to) {
    times.push_back(random.between(1, 2));
    size *= times.back();
  }
  return moved(
      fmt::format("tile(#0, {})", braced(times)), [times](In t) { return tile(t[0], times); }, in[0], to,
      [&](Index index) {
        for (std::size_t i = 0; i < index.size(); ++i) index[i] %= in[0][static_cast<int>(i)];
        return index;
      });
}

Made repeat_interleave_kind(Shapes in, Random& random) {
  if (in[0].rank() == 0) return {};
  const std::int64_t axis = random.below(in[0].rank());
  Shape to = in[0];
  to[static_cast<int>(axis)] *= 2;
  return moved(
      fmt::format("repeat_interleave(#0, 2, {})", axis), [axis](In t) { return repeat_interleave(t[0], 2, axis); },
      in[0], to,
      [&](Index index) {
        index[at(axis)] /= 2;
        return index;
      });
}

Made pad_kind(Shapes in, Random& random) {
  const int rank = in[0].rank();
  if (rank == 0) return {};
  const std::int64_t size = in[0].back(), before = random.between(-1, 2), after = random.between(-1, 2);
  if (size + before + after < 0 || size == 0) return {};
  const std::vector<std::pair<PadMode, const char*>> modes{{PadMode::constant, "constant"},
                                                           {PadMode::replicate, "replicate"},
                                                           {PadMode::reflect, "reflect"},
                                                           {PadMode::circular, "circular"}};
  const auto [mode, name] = random.one_of(modes);
  if (std::max(before, after) >= size + (mode == PadMode::circular ? 1 : 0) && mode != PadMode::constant &&
      mode != PadMode::replicate)
    return {};
  if (mode != PadMode::constant && std::min(before, after) < 0) return {};
  Shape to = in[0];
  to[rank - 1] += before + after;
  Statement result{.shape = to,
                   .text = fmt::format("pad(#0, {{{}, {}}}, PadMode::{})", before, after, name),
                   .run = [before = before, after = after, mode = mode](In t) {
                     return pad(t[0], {before, after}, mode);
                   }};
  std::int64_t place = 0;
  for (Index index : indices(to)) {
    std::int64_t from = index.back() - before;
    if (mode == PadMode::replicate) from = std::clamp<std::int64_t>(from, 0, size - 1);
    if (mode == PadMode::circular) from = (from + size) % size;
    if (mode == PadMode::reflect) from = from < 0 ? -from : from >= size ? 2 * (size - 1) - from : from;
    index.back() = from;
    if (from >= 0 && from < size) result.meaning.sum.push_back({.to = place, .a = {0, flat(in[0], index)}});
    ++place;
  }
  return result;
}

template <bool kUpper>
Made triangle_kind(Shapes in, Random& random) {
  if (in[0].rank() < 2) return {};
  const std::int64_t offset = random.between(-1, 1);
  Statement result{.shape = in[0],
                   .text = fmt::format("{}(#0, {})", kUpper ? "triu" : "tril", offset),
                   .run = [offset](In t) { return kUpper ? triu(t[0], offset) : tril(t[0], offset); }};
  std::int64_t place = 0;
  for (const Index& index : indices(in[0])) {
    const std::int64_t column = index.back(), row = index[index.size() - 2];
    if (kUpper ? column - row >= offset : column - row <= offset)
      result.meaning.sum.push_back({.to = place, .a = {0, place}});
    ++place;
  }
  return result;
}

Made diag_embed_kind(Shapes in, Random&) {
  if (in[0].rank() < 1 || in[0].rank() > 2) return {};
  Statement result{.shape = in[0], .text = "diag_embed(#0)", .run = [](In t) { return diag_embed(t[0]); }};
  result.shape.push_back(in[0].back());
  std::int64_t place = 0;
  for (Index index : indices(result.shape)) {
    const bool diagonal = index.back() == index[index.size() - 2];
    index.pop_back();
    if (diagonal) result.meaning.sum.push_back({.to = place, .a = {0, flat(in[0], index)}});
    ++place;
  }
  return result;
}

/// Along an axis of theirs (cat), or along a new one (stack).
template <bool kStack>
Made joining_kind(Shapes in, Random& random) {
  if (in[0].rank() != in[1].rank() || (!kStack && in[0].rank() == 0)) return {};
  const std::int64_t axis = random.below(in[0].rank() + (kStack ? 1 : 0));
  for (int i = 0; i < in[0].rank(); ++i) {
    if ((kStack || i != axis) && in[0][i] != in[1][i]) return {};
  }
  Statement result{
      .shape = in[0], .text = fmt::format("{}({{#0, #1}}, {})", kStack ? "stack" : "cat", axis), .run = [axis](In t) {
        return kStack ? stack({t[0], t[1]}, axis) : cat({t[0], t[1]}, axis);
      }};
  const std::int64_t first = kStack ? 1 : in[0][static_cast<int>(axis)];
  if (kStack)
    result.shape.insert(static_cast<int>(axis), 2);
  else
    result.shape[static_cast<int>(axis)] += in[1][static_cast<int>(axis)];
  std::int64_t place = 0;
  for (Index index : indices(result.shape)) {
    const int from = index[at(axis)] < first ? 0 : 1;
    index[at(axis)] -= from * first;
    if (kStack) index.erase(index.begin() + axis);
    result.meaning.sum.push_back({.to = place++, .a = {from, flat(in[at(from)], index)}});
  }
  return result;
}

}  // namespace

std::vector<Kind> arranging_kinds() {
  std::vector<Kind> result;
  for (const auto& make :
       {clone_kind, contiguous_kind, channels_last_kind, flip_kind, roll_kind, tile_kind, repeat_interleave_kind,
        pad_kind, triangle_kind<true>, triangle_kind<false>, diag_embed_kind})
    result.push_back({1, make});
  result.push_back({2, joining_kind<false>});
  result.push_back({2, joining_kind<true>});
  return result;
}

}  // namespace dagrad::random_dag
