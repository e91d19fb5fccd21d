#include "dagrad/nn/attention.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/init.h"
#include "dagrad/ops/attention.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

std::int64_t checked_dim(std::int64_t embed_dim, std::int64_t num_heads) {
  if (embed_dim < 1 || num_heads < 1 || embed_dim % num_heads != 0) {
    throw ShapeError(fmt::format("MultiheadAttention: embed_dim is {}, num_heads is {} (want heads that divide it)",
                                 embed_dim, num_heads));
  }
  return embed_dim;
}

Tensor draw(std::int64_t out, std::int64_t in) {
  Tensor weight = empty({out, in});
  init::xavier_uniform_(weight);
  return parameter(weight);
}

/// Two masks in one, of those that show keys or are added to the scores; either may be undefined.
Tensor both(const Tensor& a, const Tensor& b, DType dtype) {
  if (!a.defined() || !b.defined()) return a.defined() ? a : b;
  if (a.dtype() == boolean && b.dtype() == boolean) return logical_and(a, b);
  const auto added = [&](const Tensor& mask) {
    return mask.dtype() == boolean ? masked_fill(zeros(mask.shape(), dtype), logical_not(mask), -INFINITY) : mask;
  };
  return add(added(a), added(b));
}

Tensor shown(const Tensor& mask) { return mask.dtype() == boolean ? logical_not(mask) : mask; }

void check_input(const char* name, const Tensor& t, int rank, std::int64_t features) {
  if (t.dim() != rank || t.size(-1) != features) {
    throw ShapeError(fmt::format("MultiheadAttention: {} is {} (want {} dimensions, the last of {})", name,
                                 t.shape().str(), rank, features));
  }
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, const MultiheadOptions& options)
    : out_proj(checked_dim(embed_dim, num_heads), embed_dim, options.bias),
      generator(options.dropout > 0 ? default_generator().next_u64() : 0),
      embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options) {
  if (!(options.dropout >= 0 && options.dropout <= 1)) {
    throw UsageError(fmt::format("MultiheadAttention: dropout is {} (want 0 <= dropout <= 1)", options.dropout));
  }
  if (options_.kdim == 0) options_.kdim = embed_dim;
  if (options_.vdim == 0) options_.vdim = embed_dim;
  if (options_.kdim == embed_dim && options_.vdim == embed_dim) {
    in_proj_weight = draw(3 * embed_dim, embed_dim);
  } else {
    q_proj_weight = draw(embed_dim, embed_dim);
    k_proj_weight = draw(embed_dim, options_.kdim);
    v_proj_weight = draw(embed_dim, options_.vdim);
  }
  if (!options.bias) return;
  in_proj_bias = parameter(zeros({3 * embed_dim}));
  const NoGrad guard;
  out_proj.bias.zero_();
}

void MultiheadAttention::parts(Parts& p) {
  p.parameter("in_proj_weight", in_proj_weight);
  p.parameter("q_proj_weight", q_proj_weight);
  p.parameter("k_proj_weight", k_proj_weight);
  p.parameter("v_proj_weight", v_proj_weight);
  p.parameter("in_proj_bias", in_proj_bias);
  p.module("out_proj", out_proj);
  p.generator("generator", generator);
}

std::string MultiheadAttention::describe() const {
  std::string text = fmt::format("MultiheadAttention({}, {}", embed_dim_, num_heads_);
  if (options_.dropout > 0) text += fmt::format(", dropout={}", options_.dropout);
  if (!options_.bias) text += ", bias=false";
  if (options_.kdim != embed_dim_) text += fmt::format(", kdim={}", options_.kdim);
  if (options_.vdim != embed_dim_) text += fmt::format(", vdim={}", options_.vdim);
  return text + (options_.batch_first ? ", batch_first=true)" : ")");
}

/// Each as [N, heads, L or S, features of a head].
std::array<Tensor, 3> MultiheadAttention::project(const Tensor& query, const Tensor& key, const Tensor& value) const {
  const auto heads = [&](const Tensor& t) {
    return transpose(reshape(t, {t.size(0), t.size(1), num_heads_, embed_dim_ / num_heads_}), 1, 2);
  };
  const auto part = [&](const Tensor& t, int axis, int which) {
    return t.defined() ? narrow(t, axis, which * embed_dim_, embed_dim_) : t;
  };
  if (in_proj_weight.defined() && query.is_same(key) && key.is_same(value)) {
    const Tensor all = linear(query, in_proj_weight, in_proj_bias);  // one product in place of three
    return {heads(part(all, 2, 0)), heads(part(all, 2, 1)), heads(part(all, 2, 2))};
  }
  const auto projected = [&](const Tensor& t, int which, const Tensor& weight) {
    const Tensor& own = in_proj_weight.defined() ? part(in_proj_weight, 0, which) : weight;
    return heads(linear(t, own, part(in_proj_bias, 0, which)));
  };
  return {projected(query, 0, q_proj_weight), projected(key, 1, k_proj_weight), projected(value, 2, v_proj_weight)};
}

/// All masks as one that scaled_dot_product_attention takes, or undefined.
Tensor MultiheadAttention::mask_of(const MultiheadCall& call, std::int64_t batch, std::int64_t queries,
                                   std::int64_t keys, DType dtype) const {
  Tensor mask = call.is_causal ? causal_mask(queries, keys) : Tensor();
  if (const Tensor& given = call.attn_mask; given.defined()) {
    const Shape one{queries, keys}, each{batch * num_heads_, queries, keys};
    if (given.shape() != one && given.shape() != each) {
      throw ShapeError(fmt::format("MultiheadAttention: attn_mask is {} (want {} or {})", given.shape().str(),
                                   one.str(), each.str()));
    }
    mask = both(mask, shown(given.dim() == 2 ? given : reshape(given, {batch, num_heads_, queries, keys})), dtype);
  }
  if (const Tensor& given = call.key_padding_mask; given.defined()) {
    if (given.shape() != Shape{batch, keys}) {
      throw ShapeError(fmt::format("MultiheadAttention: key_padding_mask is {} (want {})", given.shape().str(),
                                   Shape{batch, keys}.str()));
    }
    mask = both(mask, shown(reshape(given, {batch, 1, 1, keys})), dtype);
  }
  return mask;
}

MultiheadResult MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                            const MultiheadCall& call) {
  const bool batched = query.dim() == 3;
  const int rank = batched ? 3 : 2;
  check_input("query", query, rank, embed_dim_);
  check_input("key", key, rank, options_.kdim);
  check_input("value", value, rank, options_.vdim);
  const auto batch_first = [&](const Tensor& t) {
    return !batched ? unsqueeze(t, 0) : options_.batch_first ? t : transpose(t, 0, 1);
  };
  const Tensor of_query = batch_first(query);
  const Tensor of_key = key.is_same(query) ? of_query : batch_first(key);
  const Tensor of_value = value.is_same(key) ? of_key : batch_first(value);
  if (of_key.size(0) != of_query.size(0) || of_value.size(0) != of_query.size(0) ||
      of_value.size(1) != of_key.size(1)) {
    throw ShapeError(
        fmt::format("MultiheadAttention: query is {}, key is {}, value is {} (want equal batches, and as "
                    "many values as keys)",
                    query.shape().str(), key.shape().str(), value.shape().str()));
  }
  const std::int64_t batch = of_query.size(0), queries = of_query.size(1), keys = of_key.size(1);
  const auto [q, k, v] = project(of_query, of_key, of_value);
  const Tensor weights = attention_weights(q, k,
                                           {.attn_mask = mask_of(call, batch, queries, keys, query.dtype()),
                                            .dropout = is_training() ? options_.dropout : 0,
                                            .generator = &generator});
  const Tensor mixed = reshape(transpose(matmul(weights, v), 1, 2), {batch, queries, embed_dim_});
  MultiheadResult result{out_proj(mixed), call.need_weights ? mean(weights, {1}) : Tensor()};
  if (!batched) return {squeeze(result.output, 0), result.weights.defined() ? squeeze(result.weights, 0) : Tensor()};
  if (!options_.batch_first) result.output = transpose(result.output, 0, 1);
  return result;
}

}  // namespace dagrad::nn
