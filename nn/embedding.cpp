#include "dagrad/nn/embedding.h"

#include <fmt/format.h>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

void check(const Shape& table, const EmbeddingOptions& options) {
  if (table.rank() != 2 || table[0] < 1 || table[1] < 1)
    throw ShapeError(
        fmt::format("Embedding: the table is {} (want [num_embeddings, embedding_dim], both at least 1)", table.str()));
  if (options.padding_idx && (*options.padding_idx < -table[0] || *options.padding_idx >= table[0]))
    throw UsageError(fmt::format("Embedding: padding_idx is {} (want {} to {}, or none)", *options.padding_idx,
                                 -table[0], table[0] - 1));
}

/// N(0, 1), and zeros for the padding.
Tensor draw(const Shape& table, const EmbeddingOptions& options) {
  check(table, options);
  Tensor weight = randn(table);
  if (options.padding_idx) {
    const std::int64_t row = *options.padding_idx;
    select(weight, 0, row).zero_();
  }
  return parameter(weight);
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options)
    : weight(draw({num_embeddings, embedding_dim}, options)), options_(options) {}

Embedding::Embedding(Tensor table, const EmbeddingOptions& options) : weight(std::move(table)), options_(options) {}

Embedding Embedding::from_pretrained(const Tensor& weight, bool freeze, const EmbeddingOptions& options) {
  check(weight.shape(), options);
  Tensor table = weight.detach();
  if (!freeze) table.requires_grad_();
  return {table, options};
}

Tensor Embedding::forward(const Tensor& index) { return embedding(weight, index, options_); }

void Embedding::parts(Parts& p) { p.parameter("weight", weight); }

std::string Embedding::describe() const {
  return fmt::format("Embedding({}, {}{})", weight.size(0), weight.size(1),
                     options_.padding_idx ? fmt::format(", padding_idx={}", *options_.padding_idx) : "");
}

}  // namespace dagrad::nn
