#include "dagrad/ops/margin_loss.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/class_targets.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/cross_entropy.h"
#include "dagrad/ops/extremum.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/pointwise_loss.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using losses::check_pair;

/// sqrt(sum x^2) over an axis. Its gradient at 0 is 0: there the root is taken of 1.
Tensor norm2(const Tensor& x, std::int64_t axis, bool keepdim, Location where) {
  const Tensor squares = sum(square(x, where), {axis}, keepdim, where), none = eq(squares, 0, where);
  return masked_fill(sqrt(masked_fill(squares, none, 1, where), where), none, 0, where);
}

}  // namespace

Tensor hinge_loss(const Tensor& input, const Tensor& target, const HingeLossOptions& options, Location at) {
  check_pair("hinge_loss", input, target);
  return losses::reduce("hinge_loss", relu(sub(options.margin, mul(target, input, at), at), at), options.reduction,
                        options.weight, at);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, const HingeLossOptions& options, Location at) {
  check_pair("hinge_embedding_loss", input, target);
  const Tensor apart = relu(sub(options.margin, input, at), at);
  return losses::reduce("hinge_embedding_loss", where(eq(target, 1, at), input, apart, at), options.reduction,
                        options.weight, at);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const RankingLossOptions& options, Location at) {
  constexpr std::string_view op = "margin_ranking_loss";
  if (input1.shape() != input2.shape()) {
    throw ShapeError(fmt::format("{}: input2 is {}, input1 is {} (want equal shapes)", op, input2.shape().str(),
                                 input1.shape().str()));
  }
  check_pair(op, input1, target);
  const Tensor ahead = mul(target, sub(input1, input2, at), at);
  return losses::reduce(op, relu(sub(options.margin, ahead, at), at), options.reduction, options.weight, at);
}

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginLossOptions& options,
                         Location at) {
  constexpr std::string_view op = "multi_margin_loss";
  constexpr std::int64_t none_ignored = -1;
  losses::check_classes(op, "input", input);
  if (input.dim() > 2) throw ShapeError(fmt::format("{}: input is {} (want [C] or [N, C])", op, input.shape().str()));
  losses::check_class_indices(op, "input", input, target, none_ignored);
  losses::check_class_weight(op, "input", input, options.weight);
  losses::check_constant(op, "weight", options.weight);
  if (options.p != 1 && options.p != 2) throw UsageError(fmt::format("{}: p is {} (want 1 or 2)", op, options.p));

  const Tensor scores = losses::as_rows(input, at), labels = unsqueeze(reshape(target, {scores.size(0)}, at), 1, at);
  const std::int64_t classes = scores.size(1);
  const Tensor of_label =
      neg(nll_loss(scores, reshape(labels, {scores.size(0)}, at), {.reduction = Reduction::none}, at), at);
  Tensor excess = relu(add(sub(scores, unsqueeze(of_label, 1, at), at), options.margin, at), at);
  excess = masked_fill(excess, eq(labels, arange(0, static_cast<double>(classes)), at), 0, at);
  if (options.p == 2) excess = square(excess, at);
  Tensor each = div(sum(excess, {1}, false, at), static_cast<double>(classes), at);
  if (options.weight.defined()) {
    const Tensor flat = reshape(target, {scores.size(0)}, at);
    each = mul(each, losses::label_weights(flat, options.weight, none_ignored, each.dtype()), at);
  }
  if (each.shape() != target.shape()) each = reshape(each, target.shape(), at);
  return losses::reduce(op, each, options.reduction, options.sample_weight, at);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceOptions& options, Location at) {
  if (!(options.p >= 1)) throw UsageError(fmt::format("pairwise_distance: p is {} (want p >= 1)", options.p));
  const Tensor difference = add(sub(x1, x2, at), options.eps, at);
  if (difference.dim() == 0) throw ShapeError("pairwise_distance: [] and [] (want vectors along the last axis)");
  if (options.p == 2) return norm2(difference, -1, options.keepdim, at);
  const Tensor sizes = abs(difference, at);
  if (options.p == 1) return sum(sizes, {-1}, options.keepdim, at);
  if (std::isinf(options.p)) return max(sizes, {-1}, options.keepdim, at);
  const Tensor powers = sum(pow(sizes, options.p, at), {-1}, options.keepdim, at), none = eq(powers, 0, at);
  return masked_fill(pow(masked_fill(powers, none, 1, at), 1 / options.p, at), none, 0, at);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options, Location at) {
  constexpr std::string_view op = "triplet_margin_loss";
  if (anchor.shape() != positive.shape() || anchor.shape() != negative.shape() || anchor.dim() == 0) {
    throw ShapeError(fmt::format("{}: anchor is {}, positive {}, negative {} (want equal shapes, [D] or [N, D])", op,
                                 anchor.shape().str(), positive.shape().str(), negative.shape().str()));
  }
  const PairwiseDistanceOptions norm{.p = options.p, .eps = options.eps};
  const Tensor near = pairwise_distance(anchor, positive, norm, at);
  Tensor far = pairwise_distance(anchor, negative, norm, at);
  if (options.swap) far = minimum(far, pairwise_distance(positive, negative, norm, at), at);
  const Tensor each = relu(add(sub(near, far, at), options.margin, at), at);
  return losses::reduce(op, each, options.reduction, options.weight, at);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t axis, double eps, Location at) {
  const int rank = broadcast_shapes("cosine_similarity", x1.shape(), x2.shape()).rank();
  // Counted from the end, it names the same axis of both.
  const std::int64_t last = normalize_axis("cosine_similarity", axis, rank) - rank;
  if (x1.dim() < -last || x2.dim() < -last) {
    throw ShapeError(fmt::format("cosine_similarity: {} and {} over axis {} (want vectors along it in both)",
                                 x1.shape().str(), x2.shape().str(), axis));
  }
  const auto length = [&](const Tensor& x) { return clamp(norm2(x, last, false, at), eps, INFINITY, at); };
  return div(sum(mul(x1, x2, at), {last}, false, at), mul(length(x1), length(x2), at), at);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const RankingLossOptions& options, Location at) {
  constexpr std::string_view op = "cosine_embedding_loss";
  const bool fits = input1.shape() == input2.shape() && (input1.dim() == 1 || input1.dim() == 2) &&
                    target.dim() == input1.dim() - 1 && (target.dim() == 0 || target.size(0) == input1.size(0));
  if (!fits) {
    throw ShapeError(
        fmt::format("{}: inputs are {} and {}, target is {} (want [N, D], [N, D] and [N], or [D], [D] "
                    "and [])",
                    op, input1.shape().str(), input2.shape().str(), target.shape().str()));
  }
  const Tensor similarity = cosine_similarity(input1, input2, -1, 1e-8, at);
  const Tensor each =
      where(eq(target, 1, at), sub(1, similarity, at), relu(sub(similarity, options.margin, at), at), at);
  return losses::reduce(op, each, options.reduction, options.weight, at);
}

}  // namespace dagrad
