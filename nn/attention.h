// Attention with several heads.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dagrad/core/random.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

struct MultiheadOptions {
  double dropout = 0;  ///< probability that a weight is dropped, in training
  bool bias = true;
  std::int64_t kdim = 0;  ///< features of the keys and
  std::int64_t vdim = 0;  ///< of the values; 0: embed_dim
  bool batch_first = false;
};

/// Which keys count, and what is asked for. As in PyTorch's module, true in a boolean mask hides a key (in
/// scaled_dot_product_attention it shows it); a floating mask is added to the scores.
struct MultiheadCall {
  Tensor key_padding_mask = {};  ///< [N, S]
  Tensor attn_mask = {};         ///< [L, S] or [N num_heads, L, S]
  bool is_causal = false;        ///< query i sees the keys 0 ... i
  bool need_weights = true;
};

struct MultiheadResult {
  Tensor output;   ///< [L, N, embed_dim]
  Tensor weights;  ///< [N, L, S], the mean over the heads; undefined unless needed
};

/// For queries [L, N, embed_dim], keys [S, N, kdim] and values [S, N, vdim] (batch_first: N first), each head attends
/// with its part of embed_dim features of their projections, and `out_proj` mixes the heads' results (Vaswani et al.
/// 2017). PyTorch's names: in_proj_weight [3 embed_dim, embed_dim] (queries, keys, values; with other kdim or vdim
/// q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias [3 embed_dim], out_proj.weight, out_proj.bias. The
/// projections start as Xavier's uniform draws, all biases as 0, out_proj.weight as Linear's.
///
/// `attention(x)` is the output of self-attention. [L, embed_dim] and so on without a batch. A query whose keys are all
/// hidden by boolean masks gives the bias of out_proj.
class MultiheadAttention : public Module {
 public:
  /// Throws ShapeError unless num_heads divides embed_dim, UsageError for a dropout outside [0, 1].
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, const MultiheadOptions& options = {});

  Tensor forward(const Tensor& x) override { return forward(x, x, x, {.need_weights = false}).output; }
  MultiheadResult forward(const Tensor& query, const Tensor& key, const Tensor& value, const MultiheadCall& call = {});
  void parts(Parts& p) override;
  std::string describe() const override;

  using Module::operator();
  MultiheadResult operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                             const MultiheadCall& call = {}) {
    return forward(query, key, value, call);
  }

  Tensor in_proj_weight;                               ///< or undefined, and instead:
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  ///< [embed_dim, embed_dim], [embed_dim, kdim], [embed_dim, vdim]
  Tensor in_proj_bias;                                 ///< undefined without biases
  Linear out_proj;
  Generator generator;  ///< of the dropout; its own, forked off the calling thread's when the layer is made

 private:
  std::array<Tensor, 3> project(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor mask_of(const MultiheadCall& call, std::int64_t batch, std::int64_t queries, std::int64_t keys,
                 DType dtype) const;
  std::int64_t embed_dim_, num_heads_;
  MultiheadOptions options_;
};

}  // namespace dagrad::nn
