#include "dagrad/nn/transformer.h"

#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

constexpr CloseOptions kRounded{.rtol = 1e-4, .atol = 1e-5};

TEST(TransformerEncoderLayer, NormalisesBehindTheSumsOrInFrontOfTheParts) {
  manual_seed(1);
  const Tensor x = randn({5, 3, 8});
  TransformerEncoderLayer post(8, 2, {.dim_feedforward = 16, .activation = ActivationKind::gelu});
  post.eval();
  Tensor h = post.norm1(x + post.self_attn(x));
  EXPECT_TRUE(allclose(post(x), post.norm2(h + post.linear2(gelu(post.linear1(h)))), kRounded));

  TransformerEncoderLayer pre(8, 2, {.dim_feedforward = 16, .norm_first = true});
  pre.eval();
  h = x + pre.self_attn(pre.norm1(x));
  EXPECT_TRUE(allclose(pre(x), h + pre.linear2(relu(pre.linear1(pre.norm2(h)))), kRounded));
}

TEST(TransformerEncoderLayer, NamesItsParametersAsPyTorch) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : TransformerEncoderLayer(4, 2, {.dim_feedforward = 5}).named_parameters())
    names.push_back(name + " " + tensor.shape().str());
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "self_attn.in_proj_weight [12, 4]", "self_attn.in_proj_bias [12]", "self_attn.out_proj.weight [4, 4]",
                "self_attn.out_proj.bias [4]", "linear1.weight [5, 4]", "linear1.bias [5]", "linear2.weight [4, 5]",
                "linear2.bias [4]", "norm1.weight [4]", "norm1.bias [4]", "norm2.weight [4]", "norm2.bias [4]"}));
}

TEST(TransformerEncoderLayer, DropsInTrainingOnly) {
  manual_seed(2);
  TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .dropout = 0.5});
  const Tensor x = randn({4, 2, 8});
  EXPECT_FALSE(allclose(layer(x), layer(x), kRounded));
  layer.eval();
  EXPECT_TRUE(equal(layer(x), layer(x)));
}

TEST(TransformerEncoder, RunsLayersOfTheirOwnAndALastNorm) {
  manual_seed(3);
  TransformerEncoder encoder(8, 2, 2, {.dim_feedforward = 16, .norm_first = true});
  encoder.eval();
  const Tensor x = randn({5, 3, 8});
  EXPECT_TRUE(allclose(encoder(x), (*encoder.norm)(encoder.layers[1](encoder.layers[0](x))), kRounded));
  const auto parameters = encoder.named_parameters();
  EXPECT_EQ(parameters.front().first, "layers.0.self_attn.in_proj_weight");
  EXPECT_EQ(parameters.back().first, "norm.bias");
  EXPECT_EQ(parameters.size(), 2u * 12 + 2);
  const auto& first = dynamic_cast<TransformerEncoderLayer&>(encoder.layers[0]);
  const auto& second = dynamic_cast<TransformerEncoderLayer&>(encoder.layers[1]);
  EXPECT_FALSE(equal(first.linear1.weight, second.linear1.weight));
  EXPECT_FALSE(TransformerEncoder(8, 2, 1).norm.has_value());
}

TEST(TransformerEncoder, SeesNothingLaterUnderACausalMask) {
  manual_seed(4);
  TransformerEncoder encoder(8, 4, 2, {.dim_feedforward = 16, .batch_first = true});
  encoder.eval();
  const NoGrad guard;
  const Tensor x = randn({2, 6, 8});
  Tensor changed = clone(x);
  select(changed, 1, 5) += 1;
  const Tensor before = encoder(x, {.is_causal = true}), after = encoder(changed, {.is_causal = true});
  EXPECT_TRUE(allclose(slice(before, 1, 0, 5), slice(after, 1, 0, 5), kRounded));
  EXPECT_FALSE(allclose(select(before, 1, 5), select(after, 1, 5), kRounded));
  EXPECT_FALSE(allclose(slice(encoder(x), 1, 0, 5), slice(encoder(changed), 1, 0, 5), kRounded));

  // Hidden keys make no difference to the others.
  const Tensor hidden = tensor({{0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}, boolean);
  EXPECT_TRUE(allclose(slice(encoder(x, {.key_padding_mask = hidden}), 1, 0, 5),
                       slice(encoder(changed, {.key_padding_mask = hidden}), 1, 0, 5), kRounded));
}

TEST(TransformerEncoder, TakesTheBatchFirstOrSecond) {
  manual_seed(5);
  TransformerEncoderLayer batch_first(8, 2, {.dim_feedforward = 16, .batch_first = true});
  manual_seed(5);
  TransformerEncoderLayer time_first(8, 2, {.dim_feedforward = 16});
  batch_first.eval();
  time_first.eval();
  const Tensor x = randn({3, 5, 8});
  EXPECT_TRUE(allclose(batch_first(x), transpose(time_first(transpose(x, 0, 1)), 0, 1), kRounded));
}

TEST(TransformerEncoder, SaysWhatIsWrong) {
  expect_error<UsageError>([] { TransformerEncoder(8, 2, 0); },
                           "TransformerEncoder: num_layers is 0 (want at least 1)");
  TransformerEncoder encoder(8, 2, 1, {.dim_feedforward = 16});
  expect_error<ShapeError>(
      [&] {
        encoder(zeros({5, 3, 6}));
      },
      "MultiheadAttention: query is [5, 3, 6] (want 3 dimensions, the last of 8), in "
      "TransformerEncoder");
}

}  // namespace
}  // namespace dagrad::nn
