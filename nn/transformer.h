// Layers of self-attention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/any_module.h"
#include "dagrad/nn/attention.h"
#include "dagrad/nn/containers.h"
#include "dagrad/nn/dropout.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/normalization.h"

namespace dagrad::nn {

struct TransformerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;  ///< of the attention's weights, behind both parts, and between the two linear layers
  ActivationKind activation = ActivationKind::relu;
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  ///< x is [N, L, d_model] in place of [L, N, d_model]
  bool norm_first = false;   ///< norms in front of the parts in place of behind the sums, as deep networks need it
  bool bias = true;
};

/// Self-attention, and two linear layers at each position, each added to what went in and normalised (Vaswani et al.
/// 2017): h = norm1(x + attention(x)), norm2(h + linear2(activation(linear1(h)))), or with norm_first
/// h = x + attention(norm1(x)), h + linear2(activation(linear1(norm2(h)))). For x [L, N, d_model] (batch_first: N
/// first) or [L, d_model]; the result has the same shape. Parameters have PyTorch's names: self_attn.in_proj_weight,
/// linear1.weight, norm1.weight, ...
class TransformerEncoderLayer : public Module {
 public:
  /// Throws ShapeError unless num_heads divides d_model, UsageError for a dropout outside [0, 1].
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t num_heads, const TransformerOptions& options = {});

  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  /// `call` says which keys count: attn_mask, key_padding_mask, is_causal.
  Tensor forward(const Tensor& x, const MultiheadCall& call);
  void parts(Parts& p) override;
  std::string describe() const override { return "TransformerEncoderLayer"; }

  using Module::operator();
  Tensor operator()(const Tensor& x, const MultiheadCall& call) { return forward(x, call); }

  MultiheadAttention self_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;
  AnyModule activation;

 private:
  Tensor attend(const Tensor& x, const MultiheadCall& call);
  Tensor feed_forward(const Tensor& x);
  bool norm_first_;
};

/// `num_layers` such layers one after the other, "layers.0", "layers.1", ..., each with initial weights of its own (in
/// PyTorch they start as copies of one), and with norm_first a LayerNorm "norm" behind the last.
class TransformerEncoder : public Module {
 public:
  /// Throws UsageError unless num_layers is at least 1, and what the layers throw.
  TransformerEncoder(std::int64_t d_model, std::int64_t num_heads, std::int64_t num_layers,
                     const TransformerOptions& options = {});

  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  Tensor forward(const Tensor& x, const MultiheadCall& call);
  void parts(Parts& p) override;
  std::string describe() const override { return "TransformerEncoder"; }

  using Module::operator();
  Tensor operator()(const Tensor& x, const MultiheadCall& call) { return forward(x, call); }

  ModuleList layers;
  std::optional<LayerNorm> norm;
};

}  // namespace dagrad::nn
