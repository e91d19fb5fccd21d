#include "dagrad/ops/attention.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::string_view kName = "scaled_dot_product_attention";
// In place of -infinity, so that a row without any key stays free of NaN on its way to zeros. Exact in bf16.
constexpr double kUnseen = -0x1p100;

void check_shapes(const Tensor& query, const Tensor& key) {
  if (query.dim() < 2 || key.dim() < 2 || query.size(-1) != key.size(-1)) {
    throw ShapeError(fmt::format("{}: query is {}, key is {} (want [..., L, E] and [..., S, E])", kName,
                                 query.shape().str(), key.shape().str()));
  }
  for (const Tensor* t : {&query, &key}) {
    if (!is_floating(t->dtype()))
      throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", kName, name_of(t->dtype())));
  }
}

void check_mask(const Tensor& mask, const Tensor& scores) {
  if (mask.dtype() != boolean && mask.dtype() != scores.dtype()) {
    throw DTypeError(fmt::format("{}: attn_mask is {}, query is {} (want a mask of bool or {})", kName,
                                 name_of(mask.dtype()), name_of(scores.dtype()), name_of(scores.dtype())));
  }
  const auto fits = [&] {
    if (mask.dim() > scores.dim()) return false;
    for (int axis = 1; axis <= mask.dim(); ++axis) {
      if (mask.size(-axis) != 1 && mask.size(-axis) != scores.size(-axis)) return false;
    }
    return true;
  };
  if (!fits()) {
    throw ShapeError(fmt::format("{}: attn_mask is {} (want a shape that broadcasts to {})", kName, mask.shape().str(),
                                 scores.shape().str()));
  }
}

}  // namespace

Tensor causal_mask(std::int64_t queries, std::int64_t keys) {
  Tensor mask = empty({queries, keys}, boolean);
  bool* seen = mask.mutable_data<bool>();
  for (std::int64_t i = 0; i < queries; ++i) {
    for (std::int64_t j = 0; j < keys; ++j) *seen++ = j <= i;
  }
  return mask;
}

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options, Location where) {
  check_shapes(query, key);
  const Tensor& mask = options.attn_mask;
  if (options.is_causal && mask.defined())
    throw UsageError(fmt::format("{}: attn_mask and is_causal (want one of them)", kName));
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  // The queries are scaled and not the scores, which are more.
  Tensor scores = matmul(mul(query, scale, where), transpose(key, -2, -1, where), where);
  Tensor unseen;
  if (mask.defined()) check_mask(mask, scores);
  if (options.is_causal)
    scores = masked_fill(scores, logical_not(causal_mask(query.size(-2), key.size(-2))), kUnseen, where);
  else if (mask.defined() && mask.dtype() == boolean)
    scores = masked_fill(scores, unseen = logical_not(mask, where), kUnseen, where);
  else if (mask.defined())
    scores = add(scores, mask, where);
  Tensor weights = softmax(scores, -1, where);
  // Without a mask, and with a causal one, each query sees a key, and the unseen keys' weights are 0 already.
  if (unseen.defined()) weights = masked_fill(weights, unseen, 0, where);
  if (options.dropout > 0)
    weights = dropout(weights, options.dropout, options.generator ? *options.generator : default_generator(), where);
  return weights;
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options, Location where) {
  check_shapes(query, key);
  if (value.dim() < 2 || value.size(-2) != key.size(-2)) {
    throw ShapeError(fmt::format("{}: key is {}, value is {} (want [..., S, E] and [..., S, V])", kName,
                                 key.shape().str(), value.shape().str()));
  }
  return matmul(attention_weights(query, key, options, where), value, where);
}

}  // namespace dagrad
