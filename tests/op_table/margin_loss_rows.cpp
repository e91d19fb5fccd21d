#include <algorithm>
#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/ops/margin_loss.h"
#include "dagrad/ops/view.h"
#include "op_table/loss_cases.h"

namespace dagrad::op_table {
namespace {

// Differences of these two are never near a whole number, where margins of 1 and absolute values have their kinks.
constexpr Domain kWhole{.low = -3, .high = 3, .integers = true};
constexpr Domain kBetweenWhole{.low = 0.2, .high = 0.8};

/// -1, 0 or 1 as constants; a target that is not 1 counts as -1 where only these two are meant.
Input signs(const Shape& shape) { return {shape, {.low = -1, .high = 1, .integers = true}, i64}; }
/// The same as a tensor that computes.
Tensor target_of(const Tensor& signs, const Tensor& like) { return to(signs, like.dtype()); }

double above_zero(double x) { return std::max(x, 0.0); }

/// A row whose samples are all of one kind: bounds are in the maximum norm.
Row composite(const char* name, const char* formula, std::vector<Sample> samples) {
  Row row{.name = name, .formula = formula, .composite = true};
  row.terms = by_largest;
  row.gradient_terms = gradients_by_largest;
  row.bf16_roundings = 20;
  row.nonzero_gradients = 0.2;
  for (Sample& sample : samples) {
    // Sums of some elements, of which the largest may be ten times the result, and some steps before and after.
    sample.roundings = sample.gradient_roundings = 10 * (20 + static_cast<double>(sample.input_elements()));
  }
  row.benchmarks = {{samples.back()}};
  row.samples = std::move(samples);
  return row;
}

Row hinge_row() {
  const auto sample = [](const char* name, const Shape& shape, Reduction reduction) {
    Sample s{name, {{shape, {.kink = 1, .gap = 0.1}}, {shape, {.low = -1, .high = 1, .integers = true}}}};
    s.call = [reduction](std::span<const Tensor> in) {
      return std::vector{hinge_loss(in[0], in[1], {.reduction = reduction})};
    };
    s.reference = [reduction](std::span<const Array> in) {
      return Arrays{reduced(zip(in[0], in[1], [](double x, double y) { return above_zero(1 - y * x); }), reduction)};
    };
    return s;
  };
  Row row =
      composite("hinge_loss", "max(0, margin - target input)",
                {sample("scalar", {}, Reduction::mean), sample("none_7", {7}, Reduction::none),
                 sample("sum_3x5", {3, 5}, Reduction::sum), sample("sum_of_nothing_0x3", {0, 3}, Reduction::sum),
                 sample("mean_of_nothing_0", {0}, Reduction::mean), sample("mean_40x50", {40, 50}, Reduction::mean)});
  row.edges = {{"gradient_at_the_margin_is_0",
                {Array({2}, {1.0, -0.5}), Array({2}, {1.0, 1})},
                {Array({2}, {0.0, 1.5})},
                {Array({2}, {0.0, -1}), Array({2}, {0.0, 0.5})},
                row.samples[1].call}};
  row.bad = {bad<ShapeError>(
      "shapes", [] { hinge_loss(zeros_of({2}), zeros_of({3})); },
      "hinge_loss: target is [3], input is [2] (want equal shapes)")};
  return row;
}

Row hinge_embedding_row() {
  const auto sample = [](const char* name, const Shape& shape, Reduction reduction) {
    Sample s{name, {{shape, {.kink = 1, .gap = 0.1}}, signs(shape)}};
    s.call = [reduction](std::span<const Tensor> in) {
      return std::vector{hinge_embedding_loss(in[0], target_of(in[1], in[0]), {.reduction = reduction})};
    };
    s.reference = [reduction](std::span<const Array> in) {
      const auto f = [](double x, double y) { return y == 1 ? x : above_zero(1 - x); };
      return Arrays{reduced(zip(in[0], in[1], f), reduction)};
    };
    return s;
  };
  Row row = composite("hinge_embedding_loss", "input where target is 1, max(0, margin - input) where it is -1",
                      {sample("scalar", {}, Reduction::mean), sample("none_7", {7}, Reduction::none),
                       sample("sum_3x5", {3, 5}, Reduction::sum), sample("sum_of_nothing_0x3", {0, 3}, Reduction::sum),
                       sample("mean_40x50", {40, 50}, Reduction::mean)});
  row.edges = {{"both_targets",
                {Array({3}, {2.0, 2, 0.25}), Array({3}, {1.0, -1, -1})},
                {Array({3}, {2.0, 0, 0.75})},
                {Array({3}, {1.0, 0, -1}), Array({3})},
                row.samples[1].call}};
  return row;
}

Row margin_ranking_row() {
  const auto sample = [](const char* name, const Shape& shape, Reduction reduction) {
    Sample s{name, {{shape, kWhole}, {shape, kBetweenWhole}, signs(shape)}};
    s.call = [reduction](std::span<const Tensor> in) {
      return std::vector{
          margin_ranking_loss(in[0], in[1], target_of(in[2], in[0]), {.margin = 1, .reduction = reduction})};
    };
    s.reference = [reduction](std::span<const Array> in) {
      const Array ahead = zip(zip(in[0], in[1], [](double a, double b) { return a - b; }), in[2],
                              [](double d, double y) { return above_zero(1 - y * d); });
      return Arrays{reduced(ahead, reduction)};
    };
    return s;
  };
  Row row = composite("margin_ranking_loss", "max(0, margin - target (input1 - input2))",
                      {sample("scalar", {}, Reduction::mean), sample("none_9", {9}, Reduction::none),
                       sample("sum_3x5", {3, 5}, Reduction::sum), sample("sum_of_nothing_0x3", {0, 3}, Reduction::sum),
                       sample("mean_40x50", {40, 50}, Reduction::mean)});
  row.bad = {bad<ShapeError>(
                 "inputs", [] { margin_ranking_loss(zeros_of({2}), zeros_of({3}), zeros_of({2})); },
                 "margin_ranking_loss: input2 is [3], input1 is [2] (want equal shapes)"),
             bad<ShapeError>(
                 "target",
                 [] {
                   margin_ranking_loss(zeros_of({2}), zeros_of({2}), zeros_of({2, 1}));
                 },
                 "margin_ranking_loss: target is [2, 1], input is [2] (want equal shapes)")};
  return row;
}

Row multi_margin_row() {
  const auto sample = [](const char* name, const Shape& shape, MultiMarginLossOptions options, bool weighted,
                         bool samples_weigh = false) {
    const std::int64_t classes = shape.back(), rows = shape.rank() == 1 ? 1 : shape[0];
    Shape samples = shape;
    samples.erase(shape.rank() - 1);
    const Input labels{samples, {.low = 0, .high = static_cast<double>(classes - 1), .integers = true}, i64};
    Sample s{name, {{shape, kDistinct}, labels}};
    options.margin = 0.9;  // which no two of the equally spaced scores are apart
    s.call = [=](std::span<const Tensor> in) {
      MultiMarginLossOptions with = options;
      if (weighted) with.weight = arange(1, static_cast<double>(classes) + 1, 1, in[0].dtype());
      if (samples_weigh) with.sample_weight = in[2];
      return std::vector{multi_margin_loss(in[0], in[1], with)};
    };
    if (samples_weigh) s.inputs.push_back({samples, kPositive});
    s.reference = [=](std::span<const Array> in) {
      Array each(samples);
      for (std::int64_t i = 0; i < rows; ++i) {
        const auto label = static_cast<std::int64_t>(in[1][i]);
        for (std::int64_t c = 0; c < classes; ++c) {
          const double excess = above_zero(0.9 - in[0][i * classes + label] + in[0][i * classes + c]);
          if (c != label) each[i] += std::pow(excess, options.p) / static_cast<double>(classes);
        }
        each[i] *= weighted ? in[1][i] + 1 : 1;
      }
      return Arrays{reduced(each, options.reduction, samples_weigh ? &in[2] : nullptr)};
    };
    return s;
  };
  Row row = composite("multi_margin_loss", "sum over c != y of max(0, margin - input[y] + input[c])^p / C",
                      {sample("mean_3x5", {3, 5}, {}, false),
                       sample("squares_3x5", {3, 5}, {.p = 2, .reduction = Reduction::sum}, false),
                       sample("weighted_3x5", {3, 5}, {.reduction = Reduction::none}, true),
                       sample("samples_weigh_3x5", {3, 5}, {}, false, true), sample("one_sample_7", {7}, {}, false),
                       sample("no_samples_0x3", {0, 3}, {.reduction = Reduction::sum}, false),
                       sample("mean_40x30", {40, 30}, {}, false)});
  row.edges = {{"own_class_counts_for_nothing",
                {Array({1, 3}, {4.0, 0, 3}), Array({1})},
                {Array(Shape{}, 0)},
                {Array({1, 3}), Array({1})},
                [](std::span<const Tensor> in) { return std::vector{multi_margin_loss(in[0], zeros_of({1}, i64))}; }}};
  row.bad = {bad<UsageError>(
                 "label",
                 [] {
                   multi_margin_loss(zeros_of({1, 3}), tensor({3}, i64));
                 },
                 "multi_margin_loss: label 3 at index 0 (want 0 to 2)"),
             bad<UsageError>(
                 "p",
                 [] {
                   multi_margin_loss(zeros_of({1, 3}), zeros_of({1}, i64), {.p = 3});
                 },
                 "multi_margin_loss: p is 3 (want 1 or 2)"),
             bad<ShapeError>(
                 "axes",
                 [] {
                   multi_margin_loss(zeros_of({1, 3, 2}), zeros_of({1}, i64));
                 },
                 "multi_margin_loss: input is [1, 3, 2] (want [C] or [N, C])")};
  return row;
}

// --- distances ---

/// The norm of the differences over the last axis.
Array distances(const Array& a, const Array& b, double p, double eps) {
  const Array d = zip(a, b, [&](double x, double y) { return std::fabs(x - y + eps); });
  Shape shape = d.shape;
  const std::int64_t length = shape.back();
  shape.erase(shape.rank() - 1);
  Array result(shape);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(d.size()); ++i) {
    double& sum = result[i / length];
    sum = std::isinf(p) ? std::max(sum, d[i]) : sum + std::pow(d[i], p);
  }
  return std::isinf(p) ? result : map(result, [&](double x) { return std::pow(x, 1 / p); });
}

Row pairwise_distance_row() {
  const auto sample = [](const char* name, const Shape& a, const Shape& b, double p) {
    Sample s{name, {{a, kWhole}, {b, kBetweenWhole}}};
    s.call = [p](std::span<const Tensor> in) { return std::vector{pairwise_distance(in[0], in[1], {.p = p})}; };
    s.reference = [p](std::span<const Array> in) { return Arrays{distances(in[0], in[1], p, 1e-6)}; };
    return s;
  };
  Row row = composite("pairwise_distance", "(sum |x1 - x2 + eps|^p)^(1 / p)",
                      {sample("p2_3x5", {3, 5}, {3, 5}, 2), sample("p2_vectors_7", {7}, {7}, 2),
                       sample("p2_broadcast_4x3_3", {4, 3}, {3}, 2), sample("p1_3x5", {3, 5}, {3, 5}, 1),
                       sample("p3_3x5", {3, 5}, {3, 5}, 3), sample("p_inf_3x5", {3, 5}, {3, 5}, kInf),
                       sample("no_vectors_0x3", {0, 3}, {0, 3}, 2), sample("p2_40x50", {40, 50}, {40, 50}, 2)});
  row.edges = {{"gradient_at_0_is_0",
                {Array({2, 2}, {1.0, 2, 3, 4}), Array({2, 2}, {1.0, 2, 0, 0})},
                {Array({2}, {0.0, 5})},
                {Array({2, 2}, {0.0, 0, 0.6, 0.8}), Array({2, 2}, {0.0, 0, -0.6, -0.8})},
                [](std::span<const Tensor> in) { return std::vector{pairwise_distance(in[0], in[1], {.eps = 0})}; }}};
  row.bad = {bad<UsageError>(
                 "p", [] { pairwise_distance(zeros_of({2}), zeros_of({2}), {.p = 0.5}); },
                 "pairwise_distance: p is 0.5 (want p >= 1)"),
             bad<ShapeError>(
                 "no_axis", [] { pairwise_distance(zeros_of({}), zeros_of({})); },
                 "pairwise_distance: [] and [] (want vectors along the last axis)")};
  return row;
}

Row triplet_margin_row() {
  const auto sample = [](const char* name, const Shape& shape, const TripletMarginLossOptions& options) {
    Sample s{name, {{shape, kWhole}, {shape, kBetweenWhole}, {shape, {.low = -2.8, .high = -2.2}}}};
    s.call = [options](std::span<const Tensor> in) {
      return std::vector{triplet_margin_loss(in[0], in[1], in[2], options)};
    };
    s.reference = [options](std::span<const Array> in) {
      const Array near = distances(in[0], in[1], options.p, 1e-6), other = distances(in[1], in[2], options.p, 1e-6);
      Array far = distances(in[0], in[2], options.p, 1e-6);
      if (options.swap) far = zip(far, other, [](double a, double b) { return std::min(a, b); });
      return Arrays{reduced(zip(near, far, [&](double a, double b) { return above_zero(a - b + options.margin); }),
                            options.reduction)};
    };
    return s;
  };
  Row row =
      composite("triplet_margin_loss", "max(0, margin + d(anchor, positive) - d(anchor, negative))",
                {sample("mean_4x3", {4, 3}, {}), sample("none_4x3", {4, 3}, {.reduction = Reduction::none}),
                 sample("swap_4x3", {4, 3}, {.margin = 2.5, .swap = true, .reduction = Reduction::sum}),
                 sample("p1_vectors_5", {5}, {.margin = 4, .p = 1}),
                 sample("no_vectors_0x3", {0, 3}, {.reduction = Reduction::sum}), sample("mean_40x50", {40, 50}, {})});
  row.bad = {bad<ShapeError>(
      "shapes",
      [] {
        triplet_margin_loss(zeros_of({2, 3}), zeros_of({2, 3}), zeros_of({2, 4}));
      },
      "triplet_margin_loss: anchor is [2, 3], positive [2, 3], negative [2, 4] (want equal shapes, [D] or [N, D])")};
  return row;
}

// Not that of the other vector: of a vector with itself it is constant, and finite differences show noise.
constexpr Domain kOther{.low = -1.9, .high = 2};

/// Of arrays of one shape, along an axis.
Array cosines(const Array& a, const Array& b, int axis) {
  Shape kept = a.shape, dropped = a.shape;
  kept[axis] = 1;
  dropped.erase(axis);
  Array products(kept), squares_a(kept), squares_b(kept);
  std::int64_t i = 0;
  for (const Index& index : indices(a.shape)) {
    const std::int64_t to = flat(kept, index);
    products[to] += a[i] * b[i];
    squares_a[to] += a[i] * a[i];
    squares_b[to] += b[i] * b[i];
    ++i;
  }
  Array result(dropped);
  for (std::size_t k = 0; k < result.size(); ++k)
    result.values[k] = products.values[k] / std::sqrt(squares_a.values[k] * squares_b.values[k]);
  return result;
}

Row cosine_similarity_row() {
  const auto sample = [](const char* name, const Shape& shape, std::int64_t axis) {
    Sample s{name, {{shape}, {shape, kOther}}};
    s.call = [axis](std::span<const Tensor> in) { return std::vector{cosine_similarity(in[0], in[1], axis)}; };
    s.reference = [axis](std::span<const Array> in) {
      const auto rank = in[0].shape.rank();
      return Arrays{cosines(in[0], in[1], static_cast<int>(axis < 0 ? axis + rank : axis))};
    };
    return s;
  };
  Row row = composite(
      "cosine_similarity", "x1 x2 / (|x1| |x2|)",
      {sample("rows_3x5", {3, 5}, 1), sample("columns_3x5", {3, 5}, 0), sample("vectors_7", {7}, -1),
       sample("middle_2x3x4", {2, 3, 4}, 1), sample("no_vectors_0x3", {0, 3}, 1), sample("rows_40x50", {40, 50}, 1)});
  const auto last = [](std::span<const Tensor> in) { return std::vector{cosine_similarity(in[0], in[1], -1)}; };
  row.edges = {
      {"of_scalars", {Array(Shape{}, 2), Array(Shape{}, -3)}, {Array(Shape{}, -1)}, {}, last},
      {"of_zero_vectors", {Array({2}), Array({2})}, {Array(Shape{}, 0)}, {Array({2}), Array({2})}, last},
      {"broadcast", {Array({2, 2}, {3.0, 0, 0, -2}), Array({2}, {0.0, 1})}, {Array({2}, {0.0, -1})}, {}, last}};
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   cosine_similarity(zeros_of({2}), zeros_of({3, 2}), 0);
                 },
                 "cosine_similarity: [2] and [3, 2] over axis 0 (want vectors along it in both)"),
             bad<ShapeError>(
                 "axis_out_of_range", [] { cosine_similarity(zeros_of({2}), zeros_of({2})); },
                 "cosine_similarity: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  return row;
}

Row cosine_embedding_row() {
  const auto sample = [](const char* name, const Shape& shape, const Shape& target, Reduction reduction) {
    Sample s{name, {{shape}, {shape, kOther}, signs(target)}};
    s.call = [reduction](std::span<const Tensor> in) {
      return std::vector{
          cosine_embedding_loss(in[0], in[1], target_of(in[2], in[0]), {.margin = -0.5, .reduction = reduction})};
    };
    s.reference = [reduction](std::span<const Array> in) {
      const auto f = [](double cosine, double y) { return y == 1 ? 1 - cosine : above_zero(cosine + 0.5); };
      return Arrays{reduced(zip(cosines(in[0], in[1], in[0].shape.rank() - 1), in[2], f), reduction)};
    };
    return s;
  };
  Row row =
      composite("cosine_embedding_loss", "1 - s where target is 1, max(0, s - margin) where it is -1",
                {sample("mean_4x3", {4, 3}, {4}, Reduction::mean), sample("none_4x3", {4, 3}, {4}, Reduction::none),
                 sample("vectors_5", {5}, {}, Reduction::sum), sample("no_vectors_0x3", {0, 3}, {0}, Reduction::sum),
                 sample("mean_40x50", {40, 50}, {40}, Reduction::mean)});
  row.bad = {bad<ShapeError>(
      "target",
      [] {
        cosine_embedding_loss(zeros_of({2, 3}), zeros_of({2, 3}), zeros_of({3}));
      },
      "cosine_embedding_loss: inputs are [2, 3] and [2, 3], target is [3] (want [N, D], [N, D] and [N], or [D], [D] "
      "and [])")};
  return row;
}

}  // namespace

std::vector<Row> margin_loss_rows() {
  return {
      hinge_row(),          hinge_embedding_row(),   margin_ranking_row(),  multi_margin_row(), pairwise_distance_row(),
      triplet_margin_row(), cosine_similarity_row(), cosine_embedding_row()};
}

}  // namespace dagrad::op_table
