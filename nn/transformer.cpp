#include "dagrad/nn/transformer.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/operators.h"

namespace dagrad::nn {
namespace {

LayerNorm norm_of(std::int64_t d_model, const TransformerOptions& options) {
  return LayerNorm({d_model}, {.eps = options.layer_norm_eps, .bias = options.bias});
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t num_heads,
                                                 const TransformerOptions& options)
    : self_attn(d_model, num_heads,
                {.dropout = options.dropout, .bias = options.bias, .batch_first = options.batch_first}),
      linear1(d_model, options.dim_feedforward, options.bias),
      dropout(options.dropout),
      linear2(options.dim_feedforward, d_model, options.bias),
      norm1(norm_of(d_model, options)),
      norm2(norm_of(d_model, options)),
      dropout1(options.dropout),
      dropout2(options.dropout),
      activation(make_activation(options.activation)),
      norm_first_(options.norm_first) {}

Tensor TransformerEncoderLayer::attend(const Tensor& x, const MultiheadCall& call) {
  MultiheadCall without_weights = call;
  without_weights.need_weights = false;
  return dropout1(self_attn(x, x, x, without_weights).output);
}

Tensor TransformerEncoderLayer::feed_forward(const Tensor& x) {
  return dropout2(linear2(dropout(activation(linear1(x)))));
}

Tensor TransformerEncoderLayer::forward(const Tensor& x, const MultiheadCall& call) {
  if (norm_first_) {
    const Tensor h = x + attend(norm1(x), call);
    return h + feed_forward(norm2(h));
  }
  const Tensor h = norm1(x + attend(x, call));
  return norm2(h + feed_forward(h));
}

void TransformerEncoderLayer::parts(Parts& p) {
  p.module("self_attn", self_attn);
  p.module("linear1", linear1);
  p.module("dropout", dropout);
  p.module("linear2", linear2);
  p.module("norm1", norm1);
  p.module("norm2", norm2);
  p.module("dropout1", dropout1);
  p.module("dropout2", dropout2);
  p.module("activation", *activation);
}

TransformerEncoder::TransformerEncoder(std::int64_t d_model, std::int64_t num_heads, std::int64_t num_layers,
                                       const TransformerOptions& options) {
  if (num_layers < 1)
    throw UsageError(fmt::format("TransformerEncoder: num_layers is {} (want at least 1)", num_layers));
  for (std::int64_t i = 0; i < num_layers; ++i) layers.add(TransformerEncoderLayer(d_model, num_heads, options));
  if (options.norm_first) norm = norm_of(d_model, options);
}

Tensor TransformerEncoder::forward(const Tensor& x, const MultiheadCall& call) {
  Tensor h = x;
  for (const AnyModule& layer : layers) h = (*layer.as<TransformerEncoderLayer>())(h, call);
  return norm ? (*norm)(h) : h;
}

void TransformerEncoder::parts(Parts& p) {
  p.module("layers", layers);
  if (norm) p.module("norm", *norm);
}

}  // namespace dagrad::nn
