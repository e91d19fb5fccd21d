// Class indices as the targets of losses: which of them count, and for how much. Internal.
#pragma once

#include <string_view>

#include "dagrad/core/tensor.h"
#include "dagrad/ops/loss_reduction.h"

namespace dagrad::losses {

/// Throws ShapeError unless `logits` has classes: [C], [N, C] or [N, C, d1, ...].
void check_classes(std::string_view op, std::string_view what, const Tensor& logits);

/// Throws unless `target` holds indices of i64 for `logits`, each a class or `ignore_index`.
void check_class_indices(std::string_view op, std::string_view what, const Tensor& logits, const Tensor& target,
                         std::int64_t ignore_index);

/// Throws unless `weight`, where it is defined, is [C] and of logits' type.
void check_class_weight(std::string_view op, std::string_view what, const Tensor& logits, const Tensor& weight);

/// Throws GradientError when `t`, named `what`, requires a gradient that would not be computed.
void check_constant(std::string_view op, std::string_view what, const Tensor& t);

/// The shape of one loss for each sample: that of `logits` without its classes.
Shape sample_shape(const Tensor& logits);

/// `logits` with the classes last, as [M, C]: a view of [N, C], and of [N, C, d1, ...] that lies channels-last in
/// memory; else a copy. Recorded.
Tensor as_rows(const Tensor& logits, Location where);

/// The weight of each label, [M] of `dtype`: that of its class (1 without weights), and 0 where it is ignored.
Tensor label_weights(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index, DType dtype);
/// t divided by their sum.
Tensor divided_by_label_weight(const Tensor& t, const Tensor& labels, const Tensor& weight, std::int64_t ignore_index,
                               Location where);
/// Their sum.
double total_label_weight(const Tensor& labels, const Tensor& weight, std::int64_t ignore_index);

/// Reduces the losses of samples, which labels (undefined: probabilities) have weighed already: their mean is
/// sum(sample_weight loss) / sum(sample_weight label_weight).
Tensor weighted_by_sample(std::string_view op, const Tensor& losses, const Tensor& labels, const Tensor& weight,
                          std::int64_t ignore_index, Reduction reduction, const Tensor& sample_weight, Location where);

/// `t` in line and as `dtype`; undefined stays so.
Tensor in_line_as(const Tensor& t, DType dtype);

}  // namespace dagrad::losses
