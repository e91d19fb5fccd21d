#include "dagrad/nn/attention.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

double largest_difference(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item<double>(); }

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : module.named_parameters()) result.push_back(name + " " + tensor.shape().str());
  return result;
}

TEST(MultiheadAttention, NamesItsParametersAsPyTorch) {
  EXPECT_EQ(names(MultiheadAttention(6, 2)), (std::vector<std::string>{"in_proj_weight [18, 6]", "in_proj_bias [18]",
                                                                       "out_proj.weight [6, 6]", "out_proj.bias [6]"}));
  EXPECT_EQ(names(MultiheadAttention(6, 2, {.bias = false, .kdim = 4})),
            (std::vector<std::string>{"q_proj_weight [6, 6]", "k_proj_weight [6, 4]", "v_proj_weight [6, 6]",
                                      "out_proj.weight [6, 6]"}));
  EXPECT_EQ(MultiheadAttention(6, 2, {.dropout = 0.1, .vdim = 4, .batch_first = true}).describe(),
            "MultiheadAttention(6, 2, dropout=0.1, vdim=4, batch_first=true)");
}

// Each head by itself, from slices of the parameters.
TEST(MultiheadAttention, IsAttentionOfEachHead) {
  manual_seed(1);
  MultiheadAttention attention(6, 2, {.batch_first = true});
  attention.in_proj_bias = uniform({18}, -1, 1);
  const Tensor query = randn({2, 3, 6}), key = randn({2, 5, 6}), value = randn({2, 5, 6});
  const MultiheadResult result = attention(query, key, value);
  std::vector<Tensor> heads;
  Tensor weights = zeros({2, 3, 5});
  for (int head = 0; head < 2; ++head) {
    const auto projected = [&](const Tensor& x, int which) {
      const std::int64_t first = which * 6 + head * 3;
      return linear(x, narrow(attention.in_proj_weight, 0, first, 3), narrow(attention.in_proj_bias, 0, first, 3));
    };
    const Tensor q = projected(query, 0), k = projected(key, 1), v = projected(value, 2);
    heads.push_back(scaled_dot_product_attention(q, k, v));
    weights = weights + attention_weights(q, k) * 0.5;
  }
  EXPECT_LT(largest_difference(result.output, attention.out_proj(cat(heads, 2))), 1e-5);
  EXPECT_LT(largest_difference(result.weights, weights), 1e-6);
}

TEST(MultiheadAttention, TakesTimeFirstBatchFirstOrNoBatch) {
  manual_seed(2);
  MultiheadAttention time_first(4, 2), batch_first(4, 2, {.batch_first = true});
  batch_first.in_proj_weight = time_first.in_proj_weight;
  batch_first.out_proj = time_first.out_proj;
  const Tensor x = randn({3, 2, 4});
  const Tensor want = time_first(x);
  EXPECT_LT(largest_difference(transpose(batch_first(transpose(x, 0, 1)), 0, 1), want), 1e-6);
  EXPECT_LT(largest_difference(time_first(select(x, 1, 1)), select(want, 1, 1)), 1e-6);
  // Equal tensors that are not the same go the other way through the projections.
  EXPECT_LT(largest_difference(time_first(x, clone(x), clone(x)).output, want), 1e-6);
}

TEST(MultiheadAttention, HidesKeysByMasks) {
  manual_seed(3);
  MultiheadAttention attention(4, 2, {.batch_first = true});
  const Tensor x = randn({2, 3, 4});
  const auto key = [&](const Tensor& weights, std::int64_t n, std::int64_t j) {
    return max(abs(select(select(weights, 0, n), 1, j))).item<float>();
  };
  Tensor padding = zeros({2, 3}, boolean);
  padding.mutable_data<bool>()[5] = true;
  const MultiheadResult padded = attention(x, x, x, {.key_padding_mask = padding});
  EXPECT_EQ(key(padded.weights, 1, 2), 0.0f);
  EXPECT_GT(key(padded.weights, 0, 2), 0.0f);
  const Tensor first_two = narrow(narrow(x, 0, 1, 1), 1, 0, 2);
  EXPECT_LT(largest_difference(narrow(narrow(padded.output, 0, 1, 1), 1, 0, 2),
                               attention(first_two, first_two, first_two).output),
            1e-6);

  const Tensor later = logical_not(causal_mask(3, 3));
  const MultiheadResult causal = attention(x, x, x, {.is_causal = true});
  EXPECT_EQ(select(select(causal.weights, 0, 0), 0, 0).to_vector<float>(), (std::vector<float>{1, 0, 0}));
  EXPECT_LT(largest_difference(attention(x, x, x, {.attn_mask = later}).output, causal.output), 1e-6);
  const Tensor added = masked_fill(zeros({4, 3, 3}), later, -INFINITY);
  EXPECT_LT(largest_difference(attention(x, x, x, {.attn_mask = added}).output, causal.output), 1e-6);

  const MultiheadResult together = attention(x, x, x, {.key_padding_mask = padding, .attn_mask = added});
  EXPECT_EQ(key(together.weights, 1, 2), 0.0f);
  EXPECT_EQ(select(select(together.weights, 0, 1), 0, 0).to_vector<float>(), (std::vector<float>{1, 0, 0}));

  const MultiheadResult nothing = attention(x, x, x, {.key_padding_mask = ones({2, 3}, boolean)});
  EXPECT_EQ(max(abs(nothing.output)).item<float>(), 0.0f);  // the bias of out_proj is 0
}

TEST(MultiheadAttention, HasRightGradientsThroughEveryParameter) {
  manual_seed(4);
  MultiheadAttention attention(4, 2, {.kdim = 3, .vdim = 2});
  attention.to(f64);
  std::vector<Tensor> inputs{randn({2, 1, 4}, f64).requires_grad_(), randn({3, 1, 3}, f64).requires_grad_(),
                             randn({3, 1, 2}, f64).requires_grad_()};
  for (const Tensor& p : attention.parameters()) inputs.push_back(p);
  const auto f = [&](std::span<const Tensor> in) {
    const MultiheadResult result = attention(in[0], in[1], in[2], {.is_causal = true});
    return std::vector{result.output, result.weights};
  };
  // The keys' biases add the same to all scores of a query: their gradients are zero.
  EXPECT_TRUE(passes(gradcheck(f, inputs, {.allow_zero_jacobian = true})));
  EXPECT_TRUE(passes(gradgradcheck(f, inputs, {.max_elements = 3, .allow_zero_jacobian = true})));
}

TEST(MultiheadAttention, DropsWeightsInTrainingOnly) {
  manual_seed(5);
  MultiheadAttention attention(4, 2, {.dropout = 0.5});
  const Tensor x = randn({3, 2, 4});
  EXPECT_NE(attention(x).to_vector<float>(), attention(x).to_vector<float>());
  attention.eval();
  EXPECT_EQ(attention(x).to_vector<float>(), attention(x).to_vector<float>());
}

TEST(MultiheadAttention, SaysWhatIsWrong) {
  expect_error<ShapeError>([] { MultiheadAttention(6, 4); },
                           "MultiheadAttention: embed_dim is 6, num_heads is 4 (want heads that divide it)");
  MultiheadAttention attention(4, 2);
  const Tensor x = zeros({3, 2, 4});
  expect_error<ShapeError>(
      [&] {
        attention(zeros({3, 2, 5}));
      },
      "MultiheadAttention: query is [3, 2, 5] (want 3 dimensions, the last of 4)");
  expect_error<ShapeError>(
      [&] {
        attention(x, x, x, {.attn_mask = zeros({3, 2})});
      },
      "MultiheadAttention: attn_mask is [3, 2] (want [3, 3] or [4, 3, 3])");
  expect_error<ShapeError>(
      [&] {
        attention(x, x, x, {.key_padding_mask = zeros({3, 2})});
      },
      "MultiheadAttention: key_padding_mask is [3, 2] (want [2, 3])");
  expect_error<ShapeError>(
      [&] {
        attention(x, zeros({5, 2, 4}), x);
      },
      "MultiheadAttention: query is [3, 2, 4], key is [5, 2, 4], value is [3, 2, 4] (want equal batches, and as many "
      "values as keys)");
}

}  // namespace
}  // namespace dagrad::nn
