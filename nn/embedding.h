// A table of vectors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagrad/nn/module.h"
#include "dagrad/ops/embedding.h"

namespace dagrad::nn {

/// Row index[...] of `weight` [num_embeddings, embedding_dim] for indices (i64) of any shape: [..., embedding_dim].
/// Starts as N(0, 1). The row `padding_idx`, if there is one, starts as zeros, and its gradient is 0.
class Embedding : public Module {
 public:
  /// Throws ShapeError unless both are at least 1, UsageError for a padding_idx out of range.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {});
  /// A table that is given, and not trained unless `freeze` is false.
  static Embedding from_pretrained(const Tensor& weight, bool freeze = true, const EmbeddingOptions& options = {});

  Tensor forward(const Tensor& index) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;

 private:
  Embedding(Tensor table, const EmbeddingOptions& options);
  EmbeddingOptions options_;
};

}  // namespace dagrad::nn
