#include <algorithm>
#include <cmath>

#include "dagrad/ops/attention.h"
#include "dagrad/ops/bilinear.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

enum class Mask { none, causal, shown, added };

/// query [batch..., L, E], key [batch..., S, E], value [batch..., S, V], mask [L, S].
struct Attention {
  const char* name;
  Shape batch;
  std::int64_t queries, keys, features, values;
  Mask mask = Mask::none;
  std::optional<double> scale = {};

  Shape with(std::int64_t rows, std::int64_t columns) const {
    Shape shape = batch;
    shape.push_back(rows);
    shape.push_back(columns);
    return shape;
  }
};

const std::vector<Attention>& attentions() {
  static const std::vector<Attention> list{{"2x3_of_4", {}, 2, 4, 3, 2},
                                           {"one_1x1x1", {1}, 1, 1, 1, 1},
                                           {"batch_2x2x3_of_2", {2}, 2, 2, 3, 2},
                                           {"causal_3x2_of_4", {}, 3, 4, 2, 2, Mask::causal},
                                           {"shown_4x2_of_3", {}, 4, 3, 2, 2, Mask::shown},
                                           {"added_3x2_of_3", {}, 3, 3, 2, 1, Mask::added},
                                           {"scaled_2x2_of_2", {}, 2, 2, 2, 2, Mask::none, 0.3},
                                           {"no_queries_0x2_of_3", {2}, 0, 3, 2, 2},
                                           {"no_keys_3x2_of_0", {}, 3, 0, 2, 2},
                                           {"tail_2x3x17x9_of_33", {2, 3}, 17, 33, 9, 5},
                                           {"shown_2x3x17x9_of_33", {2, 3}, 17, 33, 9, 5, Mask::shown},
                                           {"threads_4x8x64x32_causal", {4, 8}, 64, 64, 32, 32, Mask::causal}};
  return list;
}

Call call_of(const Attention& a, bool weights) {
  return [a, weights](std::span<const Tensor> in) {
    AttentionOptions options{.is_causal = a.mask == Mask::causal, .scale = a.scale};
    if (a.mask == Mask::shown || a.mask == Mask::added) options.attn_mask = in.back();
    return std::vector{weights ? attention_weights(in[0], in[1], options)
                               : scaled_dot_product_attention(in[0], in[1], in[2], options)};
  };
}

/// The weights, and with them the values.
Array weights_of(const Attention& a, std::span<const Array> in) {
  const double scale = a.scale.value_or(1 / std::sqrt(static_cast<double>(a.features)));
  Array result(a.with(a.queries, a.keys));
  const std::int64_t batches = count_of(a.batch);
  for (std::int64_t n = 0; n < batches; ++n) {
    for (std::int64_t i = 0; i < a.queries; ++i) {
      double* row = result.values.data() + (n * a.queries + i) * a.keys;
      double total = 0;
      for (std::int64_t j = 0; j < a.keys; ++j) {
        double score = 0;
        for (std::int64_t e = 0; e < a.features; ++e)
          score += in[0][(n * a.queries + i) * a.features + e] * in[1][(n * a.keys + j) * a.features + e];
        score *= scale;
        bool seen = a.mask != Mask::causal || j <= i;
        if (a.mask == Mask::shown) seen = in.back()[i * a.keys + j] != 0;
        if (a.mask == Mask::added) score += in.back()[i * a.keys + j];
        row[j] = seen ? std::exp(score) : 0;
        total += row[j];
      }
      for (std::int64_t j = 0; j < a.keys; ++j) row[j] = total == 0 ? 0 : row[j] / total;
    }
  }
  return result;
}

Array attention_of(const Attention& a, std::span<const Array> in) {
  const Array weights = weights_of(a, in);
  Array result(a.with(a.queries, a.values));
  const std::int64_t rows = count_of(a.batch) * a.queries;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < a.keys; ++j) {
      for (std::int64_t v = 0; v < a.values; ++v)
        result[i * a.values + v] += weights[i * a.keys + j] * in[2][(i / a.queries * a.keys + j) * a.values + v];
    }
  }
  return result;
}

Sample sample_of(const Attention& a, bool weights) {
  Sample sample{a.name, {{a.with(a.queries, a.features)}, {a.with(a.keys, a.features)}}};
  if (!weights) sample.inputs.push_back({a.with(a.keys, a.values)});
  const Shape mask{a.queries, a.keys};
  if (a.mask == Mask::shown) sample.inputs.push_back({mask, {.low = 0, .high = 1, .integers = true}, boolean});
  if (a.mask == Mask::added) sample.inputs.push_back({mask});
  sample.call = call_of(a, weights);
  sample.reference = [a, weights](std::span<const Array> in) {
    return Arrays{weights ? weights_of(a, in) : attention_of(a, in)};
  };
  // A score is a sum of E products of up to 4, so its error of as many roundings is up to 4 E times larger in e^score;
  // then a sum of S, a quotient and a sum of S again.
  const auto features = static_cast<double>(a.features), keys = static_cast<double>(a.keys);
  sample.roundings = 4 * features * (features + 3) + 2 * keys + 20;
  sample.gradient_roundings = 3 * sample.roundings + static_cast<double>(a.queries * count_of(a.batch));
  return sample;
}

std::vector<Bad> bad_of(const std::function<void(const Tensor&, const Tensor&, const AttentionOptions&)>& run) {
  const std::string op = "scaled_dot_product_attention: ";
  return {bad<ShapeError>(
              "features",
              [=] {
                run(zeros_of({2, 3}), zeros_of({4, 2}), {});
              },
              op + "query is [2, 3], key is [4, 2] (want [..., L, E] and [..., S, E])"),
          bad<DTypeError>(
              "i64",
              [=] {
                run(zeros_of({2, 3}, i64), zeros_of({4, 3}, i64), {});
              },
              op + "i64 (want f32, bf16 or f64)"),
          bad<ShapeError>(
              "mask",
              [=] {
                run(zeros_of({2, 3}), zeros_of({4, 3}), {.attn_mask = zeros_of({4, 2})});
              },
              op + "attn_mask is [4, 2] (want a shape that broadcasts to [2, 4])"),
          bad<DTypeError>(
              "mask_type",
              [=] {
                run(zeros_of({2, 3}), zeros_of({4, 3}), {.attn_mask = zeros_of({2, 4}, i64)});
              },
              op + "attn_mask is i64, query is f32 (want a mask of bool or f32)"),
          bad<UsageError>(
              "two_masks",
              [=] {
                run(zeros_of({2, 3}), zeros_of({4, 3}), {.attn_mask = zeros_of({2, 4}), .is_causal = true});
              },
              op + "attn_mask and is_causal (want one of them)")};
}

Row row_of(const char* name, const char* formula, bool weights) {
  Row row{.name = name, .formula = formula, .primitive = "matmul", .composite = true};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 12;           // scaled queries and scores, whose errors e^score enlarges; weights
  row.bf16_gradient_roundings = 60;  // the weights' gradients less their mean, which may leave little
  for (const Attention& a : attentions()) row.samples.push_back(sample_of(a, weights));
  const auto benchmark = [&](const Attention& a) {
    return Benchmark{sample_of(a, weights), 2.0 * static_cast<double>(count_of(a.with(a.queries, a.keys)) *
                                                                      (a.features + (weights ? 0 : a.values)))};
  };
  row.benchmarks = {benchmark({"small", {}, 4, 4, 8, 8}), benchmark({"medium", {8, 4}, 64, 64, 32, 32}),
                    benchmark({"large", {8, 8}, 256, 256, 64, 64})};
  return row;
}

Row attention_weights_row() {
  Row row = row_of("attention_weights", "softmax(query key^T / sqrt(E) + mask)", true);
  row.bad = bad_of([](const Tensor& q, const Tensor& k, const AttentionOptions& o) { attention_weights(q, k, o); });
  const auto first_hidden = [](std::span<const Tensor> in) {
    Tensor mask = zeros_of({2, 2}, boolean);
    mask.mutable_data<bool>()[2] = true;
    return std::vector{attention_weights(in[0], in[1], {.attn_mask = mask})};
  };
  row.edges = {{"no_key_seen_gives_zeros",
                {Array({2, 1}, {1.0, 2}), Array({2, 1}, {3.0, 4})},
                {Array({2, 2}, {0.0, 0, 1, 0})},
                {Array({2, 1}, 0), Array({2, 1}, 0)},
                first_hidden}};
  return row;
}

Row attention_row() {
  Row row = row_of("scaled_dot_product_attention", "softmax(query key^T / sqrt(E) + mask) value", false);
  row.bad = bad_of(
      [](const Tensor& q, const Tensor& k, const AttentionOptions& o) { scaled_dot_product_attention(q, k, k, o); });
  row.bad.push_back(bad<ShapeError>(
      "values",
      [] {
        scaled_dot_product_attention(zeros_of({2, 3}), zeros_of({4, 3}), zeros_of({5, 3}));
      },
      "scaled_dot_product_attention: key is [4, 3], value is [5, 3] (want [..., S, E] and [..., S, V])"));
  return row;
}

Sample bilinear_sample(const char* name, const Shape& batch, std::int64_t in1, std::int64_t in2, std::int64_t out,
                       bool bias = true) {
  const auto with = [&](std::int64_t last) {
    Shape shape = batch;
    shape.push_back(last);
    return shape;
  };
  Sample sample{name, {{with(in1)}, {with(in2)}, {{out, in1, in2}}}};
  if (bias) sample.inputs.push_back({{out}});
  sample.call = [bias](std::span<const Tensor> in) {
    return std::vector{bilinear(in[0], in[1], in[2], bias ? in[3] : Tensor())};
  };
  const std::int64_t rows = count_of(batch);
  sample.reference = [=, shape = with(out)](std::span<const Array> in) {
    Array result(shape);
    for (std::int64_t n = 0; n < rows; ++n) {
      for (std::int64_t o = 0; o < out; ++o) {
        double sum = bias ? in[3][o] : 0;
        for (std::int64_t i = 0; i < in1; ++i) {
          for (std::int64_t j = 0; j < in2; ++j)
            sum += in[0][n * in1 + i] * in[2][(o * in1 + i) * in2 + j] * in[1][n * in2 + j];
        }
        result[n * out + o] = sum;
      }
    }
    return Arrays{result};
  };
  sample.roundings = static_cast<double>(in1 * in2) + 3;
  sample.gradient_roundings = static_cast<double>(std::max({rows, in2 + out, in1 + out})) + 3;
  return sample;
}

Row bilinear_row() {
  Row row{.name = "bilinear",
          .formula = "sum_ij a[..., i] weights[o, i, j] b[..., j] + bias[o]",
          .primitive = "matmul",
          .composite = true};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.bf16_roundings = 1;  // the products a_i b_j
  row.exact_on_integers = true;
  row.samples = {bilinear_sample("3x2_2_to_2", {3}, 2, 2, 2),
                 bilinear_sample("vector_3_2_to_2", {}, 3, 2, 2),
                 bilinear_sample("batch_2x2x2_3_to_1_without_bias", {2, 2}, 2, 3, 1, false),
                 bilinear_sample("one_1x1_1_to_1", {1}, 1, 1, 1),
                 bilinear_sample("no_rows_0x2_3_to_2", {0}, 2, 3, 2),
                 bilinear_sample("tail_33x17_9_to_5", {33}, 17, 9, 5),
                 bilinear_sample("long_7x19_17_to_5", {7}, 19, 17, 5),
                 bilinear_sample("primitive_29x19_17_to_19", {29}, 19, 17, 19)};
  row.bad = {bad<ShapeError>(
                 "weights",
                 [] {
                   bilinear(zeros_of({2}), zeros_of({2}), zeros_of({2, 2}));
                 },
                 "bilinear: weights are [2, 2] (want [O, I, J])"),
             bad<ShapeError>(
                 "features",
                 [] {
                   bilinear(zeros_of({4, 2}), zeros_of({4, 2}), zeros_of({5, 2, 3}));
                 },
                 "bilinear: a is [4, 2], b is [4, 2], weights are [5, 2, 3] (want [..., 2] and [..., 3])")};
  row.benchmarks = {{bilinear_sample("small", {4}, 8, 8, 4)},
                    {bilinear_sample("medium", {64}, 32, 32, 32), 2.0 * 64 * 32 * 32 * 32},
                    {bilinear_sample("large", {256}, 64, 64, 64), 2.0 * 256 * 64 * 64 * 64}};
  return row;
}

}  // namespace

std::vector<Row> attention_rows() { return {attention_weights_row(), attention_row(), bilinear_row()}; }

}  // namespace dagrad::op_table
