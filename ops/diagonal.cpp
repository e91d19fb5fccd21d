#include "dagrad/ops/diagonal.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

/// Which diagonal of which axes.
struct Line {
  std::int64_t offset;
  int row_axis, column_axis;
  std::string attributes() const { return fmt::format("offset={}, axes=[{}, {}]", offset, row_axis, column_axis); }

  Tensor of(const Tensor& t) const {
    Shape shape = t.shape();
    Strides strides = t.strides();
    const std::int64_t row = std::max<std::int64_t>(-offset, 0), column = std::max<std::int64_t>(offset, 0);
    const std::int64_t length = std::max<std::int64_t>(std::min(shape[row_axis] - row, shape[column_axis] - column), 0);
    const std::int64_t start = length > 0 ? row * strides[row_axis] + column * strides[column_axis] : 0;
    const std::int64_t step = strides[row_axis] + strides[column_axis];
    for (const int axis : {std::max(row_axis, column_axis), std::min(row_axis, column_axis)}) {
      shape.erase(axis);
      strides.erase(axis);
    }
    shape.push_back(length);
    strides.push_back(step);
    return t.alias(shape, strides, t.offset() + start);
  }
};

struct Diagonal : Line {
  static constexpr std::string_view name = "diagonal";
  Tensor view(const Tensor& src) const { return of(src); }
  // diff_src = zeros with diff_dst on the diagonal
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct DiagEmbed : Line {
  static constexpr std::string_view name = "diag_embed";
  Shape shape;

  Spec infer(const Tensor& src) const { return {shape, src.dtype()}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    dst.zero_();
    Tensor line = of(dst);
    copy_elements(src, line);
  }
  // diff_src = the diagonal of diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(Diagonal{{offset, row_axis, column_axis}}, Location::current(), diff_dst));
  }
};

void Diagonal::backward(Backward& ctx, const Tensor& diff_dst) const {
  if (!ctx.needs(0)) return;
  ctx.give(0, apply(DiagEmbed{{offset, row_axis, column_axis}, ctx.input_shape(0)}, Location::current(), diff_dst));
}

Line line_of(const char* op, std::int64_t offset, std::int64_t axis1, std::int64_t axis2, int rank) {
  const Line line{offset, normalize_axis(op, axis1, rank), normalize_axis(op, axis2, rank)};
  if (line.row_axis == line.column_axis)
    throw ShapeError(fmt::format("{}: axes {} and {} are the same (want two)", op, axis1, axis2));
  return line;
}

// --- triangles ---

template <class Derived>
struct Triangle {
  std::int64_t offset;
  std::string attributes() const { return fmt::format("offset={}", offset); }

  Spec infer(const Tensor& src) const {
    if (src.dim() < 2) {
      throw ShapeError(
          fmt::format("{}: the source is {} (want at least two dimensions)", Derived::name, src.shape().str()));
    }
    return src.spec();
  }

  /// Copies bytes: which elements are 0 does not depend on their values.
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread
    const Tensor source = contiguous_data(src);
    const std::int64_t rows = src.size(-2), columns = src.size(-1);
    const std::size_t item = item_size(src.dtype());
    const auto* from = static_cast<const std::byte*>(source.raw_data());
    auto* to = static_cast<std::byte*>(dst.mutable_raw_data());
    const std::int64_t shift = std::clamp(offset, -rows, columns);
    parallel_for(
        src.numel() / columns, std::max<std::int64_t>(kGrain / columns, 1), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) {
            const auto [first, last] = Derived::kept(i % rows + shift, columns);
            const auto at = [&](std::int64_t column) { return static_cast<std::size_t>(i * columns + column) * item; };
            std::memset(to + at(0), 0, at(first) - at(0));
            std::memcpy(to + at(first), from + at(first), at(last) - at(first));
            std::memset(to + at(last), 0, at(columns) - at(last));
          }
        });
  }

  // diff_src = the same triangle of diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(static_cast<const Derived&>(*this), Location::current(), diff_dst));
  }
};

struct Triu : Triangle<Triu> {
  static constexpr std::string_view name = "triu";
  /// The columns of a row that stay, where the diagonal passes through column `at`.
  static std::pair<std::int64_t, std::int64_t> kept(std::int64_t at, std::int64_t columns) {
    return {std::clamp<std::int64_t>(at, 0, columns), columns};
  }
};

struct Tril : Triangle<Tril> {
  static constexpr std::string_view name = "tril";
  static std::pair<std::int64_t, std::int64_t> kept(std::int64_t at, std::int64_t columns) {
    return {0, std::clamp<std::int64_t>(at + 1, 0, columns)};
  }
};

}  // namespace

Tensor diagonal(const Tensor& src, std::int64_t offset, std::int64_t axis1, std::int64_t axis2, Location where) {
  return apply(Diagonal{line_of("diagonal", offset, axis1, axis2, src.dim())}, where, src);
}

Tensor diag_embed(const Tensor& src, std::int64_t offset, std::int64_t axis1, std::int64_t axis2, Location where) {
  if (src.dim() == 0) throw ShapeError("diag_embed: the source is [] (want at least one dimension)");
  const Line line = line_of("diag_embed", offset, axis1, axis2, src.dim() + 1);
  constexpr std::int64_t kMost = std::int64_t{1} << 31;  // a matrix of this size does not fit 63 bits
  if (offset < -kMost || offset > kMost)
    throw ShapeError(fmt::format("diag_embed: offset is {} (want {} to {})", offset, -kMost, kMost));
  const std::int64_t size = src.size(-1) + std::abs(offset);
  Shape shape = src.shape();
  shape.erase(shape.rank() - 1);
  shape.insert(std::min(line.row_axis, line.column_axis), size);
  shape.insert(std::max(line.row_axis, line.column_axis), size);
  checked_numel("diag_embed", shape, item_size(src.dtype()));
  return apply(DiagEmbed{line, shape}, where, src);
}

Tensor diag(const Tensor& src, std::int64_t offset, Location where) {
  if (src.dim() == 1) return diag_embed(src, offset, 0, 1, where);
  if (src.dim() == 2) return diagonal(src, offset, 0, 1, where);
  throw ShapeError(fmt::format("diag: the source is {} (want one or two dimensions)", src.shape().str()));
}

Tensor trace(const Tensor& src, Location where) {
  if (src.dim() != 2) throw ShapeError(fmt::format("trace: the source is {} (want a matrix)", src.shape().str()));
  return sum(diagonal(src, 0, 0, 1, where), {}, false, where);
}

Tensor triu(const Tensor& src, std::int64_t offset, Location where) { return apply(Triu{{offset}}, where, src); }
Tensor tril(const Tensor& src, std::int64_t offset, Location where) { return apply(Tril{{offset}}, where, src); }

}  // namespace dagrad
