#include "dagrad/ops/embedding.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/indexed_elements.h"

namespace dagrad {
namespace {

constexpr std::int64_t kNoPadding = -1;

/// A row-major tensor [..., D] as [K, D], and its index [...] as one that is the same across D.
Tensor as_rows(const Tensor& t) {
  const std::int64_t columns = t.shape().back();
  return t.alias({columns == 0 ? 0 : t.numel() / columns, columns}, {columns, 1}, t.offset());
}
Tensor across_rows(const Tensor& row_major_index, const Tensor& rows) {
  const Tensor flat = row_major_index.alias({row_major_index.numel()}, {1}, row_major_index.offset());
  return index_across(flat, 0, rows.shape());
}

std::string padding_text(std::int64_t padding) {
  return padding == kNoPadding ? "" : fmt::format("padding_idx={}", padding);
}

/// dst[v, :] = sum of diff_dst[p, :] over the places p where index[p] is v, and 0 for v = padding.
struct EmbeddingBackward {
  static constexpr std::string_view name = "embedding_backward";
  Shape shape;
  std::int64_t padding;

  std::string attributes() const { return padding_text(padding); }
  Spec infer(const Tensor& diff_dst, const Tensor&) const { return {shape, diff_dst.dtype()}; }
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& index, Tensor& diff_weights) const {
    ctx.save(index);
    diff_weights.zero_();
    if (diff_dst.numel() == 0) return;
    const Tensor rows = as_rows(contiguous_data(diff_dst));
    scatter_add_elements(rows, 0, across_rows(contiguous_data(index), rows), diff_weights);
    if (padding == kNoPadding) return;
    const std::int64_t columns = shape.back();
    diff_weights.alias({columns}, {1}, diff_weights.offset() + padding * columns).zero_();
  }
  // f adds up rows of g: df/dg takes them out again, and 0 for the padding
  void backward(Backward& ctx, const Tensor& diff) const;
};

/// `masks`: rows of the padding are 0 rather than taken from the weights, as the backward's backward needs it.
struct Embedding {
  static constexpr std::string_view name = "embedding";
  std::int64_t padding;
  bool masks = false;

  std::string attributes() const { return padding_text(padding); }
  Spec infer(const Tensor& weights, const Tensor& index) const {
    Shape shape = index.shape();
    shape.push_back(weights.shape().back());
    checked_numel(name, shape, item_size(weights.dtype()));
    return {shape, weights.dtype()};
  }
  void forward(Forward& ctx, const Tensor& weights, const Tensor& index, Tensor& dst) const {
    ctx.save(index);
    if (dst.numel() == 0) return;
    Tensor rows = as_rows(dst);
    const Tensor numbers = contiguous_data(index);
    gather_elements(weights, 0, across_rows(numbers, rows), rows);
    if (!masks || padding == kNoPadding) return;
    const auto bytes = static_cast<std::size_t>(rows.shape().back()) * item_size(rows.dtype());
    auto* const row = static_cast<std::byte*>(rows.mutable_raw_data());
    const std::int64_t* number = numbers.data<std::int64_t>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(numbers.numel()); ++i) {
      if (number[i] == padding) std::memset(row + i * bytes, 0, bytes);
    }
  }
  // diff_weights[v] = sum of diff_dst[p] over the places p where index[p] is v; 0 for the padding
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!ctx.needs(0)) return;
    ctx.give(0, apply(EmbeddingBackward{ctx.input_shape(0), padding}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

void EmbeddingBackward::backward(Backward& ctx, const Tensor& diff) const {
  if (ctx.needs(0)) ctx.give(0, apply(Embedding{padding, true}, Location::current(), diff, ctx.saved(0)));
}

struct OneHot {
  static constexpr std::string_view name = "one_hot";
  std::int64_t classes;
  DType dtype;

  Spec infer(const Tensor& index) const {
    Shape shape = index.shape();
    shape.push_back(classes);
    checked_numel(name, shape, item_size(dtype));
    return {shape, dtype};
  }
  void forward(Forward&, const Tensor& index, Tensor& dst) const {
    dst.zero_();
    const Tensor numbers = contiguous_data(index);
    const std::int64_t* c = numbers.data<std::int64_t>();
    visit_dtype(dtype, [&]<class T>(T) {
      T* to = dst.mutable_data<T>();
      for (std::int64_t i = 0; i < numbers.numel(); ++i) to[i * classes + c[i]] = convert_to<T>(std::int64_t{1});
    });
  }
};

std::int64_t padding_row(const EmbeddingOptions& options, std::int64_t rows) {
  if (!options.padding_idx) return kNoPadding;
  const std::int64_t row = *options.padding_idx;
  if (row < -rows || row >= rows)
    throw UsageError(fmt::format("embedding: padding_idx is {} (want {} to {}, or none)", row, -rows, rows - 1));
  return row < 0 ? row + rows : row;
}

/// The largest index and one. Throws UsageError when there is none.
std::int64_t count_classes(const Tensor& index) {
  if (watched(Watch::capture)) Capture::refuse("one_hot: the largest index is looked for", "classes to be given");
  if (index.numel() == 0)
    throw UsageError(fmt::format("one_hot: no indices in {} to count the classes by (want classes to be given)",
                                 index.shape().str()));
  const Tensor numbers = contiguous_data(index);
  const std::int64_t* begin = numbers.data<std::int64_t>();
  return *std::max_element(begin, begin + numbers.numel()) + 1;
}

}  // namespace

Tensor embedding(const Tensor& weights, const Tensor& index, const EmbeddingOptions& options, Location where) {
  if (weights.dim() != 2)
    throw ShapeError(fmt::format("embedding: weights are {} (want [V, D])", weights.shape().str()));
  const std::int64_t padding = padding_row(options, weights.size(0));
  check_index("embedding", index, weights, 0);
  return apply(Embedding{padding}, where, weights, index);
}

Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype, Location where) {
  check_index_type("one_hot", index);
  if (classes < -1) throw UsageError(fmt::format("one_hot: classes is {} (want at least 0, or -1)", classes));
  const std::int64_t count = classes == -1 ? count_classes(index) : classes;
  check_index("one_hot", index, count);
  return apply(OneHot{count, dtype}, where, index);
}

}  // namespace dagrad
