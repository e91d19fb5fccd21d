// Attention.
#pragma once

#include <cstdint>
#include <optional>

#include "dagrad/core/location.h"
#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

struct AttentionOptions {
  /// Which keys a query may see, of a shape that broadcasts to [..., L, S]: boolean (true: it may), or of the queries'
  /// type, added to the scores.
  Tensor attn_mask = {};
  bool is_causal = false;            ///< query i sees the keys 0 ... i; not together with attn_mask
  std::optional<double> scale = {};  ///< by default 1 / sqrt(E)
  double dropout = 0;                ///< probability that a weight is dropped; give 0 outside of training
  Generator* generator = nullptr;    ///< of the dropout; null: the calling thread's
};

/// Boolean [queries, keys]: whether query i sees key j, which is j <= i.
Tensor causal_mask(std::int64_t queries, std::int64_t keys);

/// softmax(scale query key^T + mask, -1): how much of each key's value each query takes, [..., L, S] for query
/// [..., L, E] and key [..., S, E], whose leading dimensions broadcast. For a query that a boolean mask lets see no
/// key, zeros (a mask of -infinities gives NaN). Throws ShapeError, DTypeError, UsageError.
Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options = {},
                         Location where = Location::current());

/// attention_weights(query, key) @ value: value [..., S, V] -> [..., L, V] (Vaswani et al. 2017; PyTorch's
/// scaled_dot_product_attention).
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
