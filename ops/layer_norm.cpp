#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/norm_arguments.h"
#include "dagrad/ops/norm_derivative.h"
#include "dagrad/ops/norm_lines.h"
#include "dagrad/ops/normalization.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements that are worth a thread

/// src as rows of what is normalised together.
struct Rows {
  std::int64_t count = 1, length = 1;

  Rows(const Shape& shape, int axes) {
    for (int i = 0; i < shape.rank(); ++i) (i < shape.rank() - axes ? count : length) *= shape[i];
  }

  /// Calls f(block) for blocks of rows, on several threads where it pays. Sums over rows are taken block by block, so
  /// that they do not depend on the number of threads.
  template <class F>
  void for_blocks(const F& f) const {
    if (count * length <= kGrain) {
      for (std::int64_t i = 0; i < blocks(); ++i) f(i);
      return;
    }
    parallel_for(blocks(), std::max<std::int64_t>(1, kGrain / (length * rows_of_block())),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) f(i);
                 });
  }
  std::int64_t blocks() const { return (count + rows_of_block() - 1) / rows_of_block(); }
  std::int64_t begin(std::int64_t block) const { return block * rows_of_block(); }
  std::int64_t end(std::int64_t block) const { return std::min(count, begin(block + 1)); }

 private:
  std::int64_t rows_of_block() const { return std::clamp<std::int64_t>((128 << 10) / length, 16, 256); }
};

/// Whether results go past the caches, as those of elementwise kernels.
bool is_streamed(const Tensor& result, const Tensor& dst) {
  return result.dtype() == f32 && result.is_same(dst) && dst.numel() >= pointwise::kStreamedFrom;
}

/// The gradients of layer_norm (centered) and of rms_norm.
template <bool centered>
struct RowNormBackward {
  static constexpr std::string_view name = centered ? "layer_norm_backward" : "rms_norm_backward";
  int axes;
  double eps;
  bool for_parameters;  // else their gradients stay empty
  DType parameters;

  std::string attributes() const { return fmt::format("axes={}, eps={}", axes, eps); }

  std::array<Spec, 3> infer(const Tensor&, const Tensor& src, const Tensor&, const Tensor&, const Tensor&) const {
    Shape shape{0};
    if (for_parameters) {
      const auto sizes = std::span(src.shape().begin(), src.shape().size());
      shape = Shape(sizes.last(static_cast<std::size_t>(axes)));
    }
    return {src.spec(), Spec{shape, parameters}, Spec{centered ? shape : Shape{0}, parameters}};
  }

  // with n = (src - mean) scale and v = weight diff_dst:
  // diff_src = scale (v - mean(v) - n mean(v n)), diff_weight = sum(diff_dst n), diff_bias = sum(diff_dst)
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& mean,
               const Tensor& scale, std::array<Tensor, 3>& dst) const {
    ctx.save(diff_dst);
    ctx.save(src);
    ctx.save(weight);
    if (mean.dtype() == f64)
      run<double>(diff_dst, src, weight, mean, scale, dst);
    else
      run<float>(diff_dst, src, weight, mean, scale, dst);
  }

  // See Note [Second derivative of a normalization].
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    const Tensor g = ctx.saved(0), src = ctx.saved(1), weight = ctx.saved(2);
    const DType type = norm_type(src);
    const auto wide = [&](const Tensor& t) { return t.defined() ? to(t, type) : t; };
    NormBackward b{.axes = {}, .eps = eps, .centered = centered, .g = wide(g), .x = wide(src), .w = wide(weight)};
    for (int axis = -axes; axis < 0; ++axis) b.axes.push_back(axis);
    b.diff_x = wide(diff[0]);
    if (for_parameters) {
      b.diff_w = wide(diff[1]);
      b.diff_b = centered ? wide(diff[2]) : Tensor();
    }
    const auto [of_g, of_src, of_weight] = differentiate(b);
    if (of_g.defined()) ctx.give(0, to(of_g, g.dtype()));
    if (of_src.defined()) ctx.give(1, to(of_src, src.dtype()));
    if (of_weight.defined()) ctx.give(2, to(of_weight, weight.dtype()));
  }

 private:
  template <class T>
  void run(const Tensor& diff_dst, const Tensor& src, const Tensor& weight, const Tensor& mean, const Tensor& scale,
           std::array<Tensor, 3>& dst) const {
    const Rows rows(src.shape(), axes);
    if (src.numel() == 0) {
      for (std::size_t i = 1; i < 3; ++i) dst[i].zero_();
      return;
    }
    const Tensor g = as_norm_type(diff_dst, dtype_of<T>), x = as_norm_type(src, dtype_of<T>),
                 w = as_norm_type(weight, dtype_of<T>);
    Tensor result = norm_result(dst[0], dtype_of<T>);
    Tensor sums;  // each block's diff_weight and diff_bias
    if (for_parameters) sums = Tensor::allocate({{rows.blocks(), (centered ? 2 : 1) * rows.length}, dtype_of<T>});
    T* all = for_parameters ? sums.mutable_data<T>() : nullptr;
    const T* from_g = g.data<T>();
    const T* from_x = x.data<T>();
    const T* of_weight = data_or_null<T>(w);
    const T* means = mean.data<T>();
    const T* scales = scale.data<T>();
    T* to = result.mutable_data<T>();
    const auto length = static_cast<T>(rows.length);
    const bool streamed = is_streamed(result, dst[0]);
    rows.for_blocks([&](std::int64_t block) {
      T* of_block = nullptr;
      if (for_parameters) {
        of_block = all + block * (centered ? 2 : 1) * rows.length;
        std::fill_n(of_block, (centered ? 2 : 1) * rows.length, T(0));
      }
      T* of_bias = centered && for_parameters ? of_block + rows.length : nullptr;
      const auto finish = [&](std::int64_t i, norm_lines::Sums<T> sum) {
        const T m = centered ? means[i] : 0, r = scales[i];
        const norm_lines::Gradient<T> by{m, r, centered ? r * sum.g / length : 0, r * r * r * sum.gx / length};
        const std::int64_t at = i * rows.length;
        norm_lines::gradient_each(from_g + at, from_x + at, of_weight, by, to + at, rows.length, streamed);
      };
      std::int64_t i = rows.begin(block);
      for (; i + 4 <= rows.end(block); i += 4) {
        const std::int64_t at = i * rows.length;
        const auto sums_of_rows =
            norm_lines::sums_each_of_four(from_g + at, from_x + at, centered ? means + i : nullptr, scales + i,
                                          of_weight, of_block, of_bias, rows.length);
        for (std::size_t k = 0; k < 4; ++k) finish(i + static_cast<std::int64_t>(k), sums_of_rows[k]);
      }
      for (; i < rows.end(block); ++i) {
        const std::int64_t at = i * rows.length;
        finish(i, norm_lines::sums_each(from_g + at, from_x + at, centered ? means[i] : 0, scales[i], of_weight,
                                        of_block, of_bias, rows.length));
      }
      if (streamed) norm_lines::finish_streaming();
    });
    finish_norm_result(result, dst[0]);
    for (int i = 0; for_parameters && i < (centered ? 2 : 1); ++i) {
      const Tensor part = sums.alias({rows.blocks(), rows.length}, sums.strides(), i * rows.length);
      Tensor& to_parameter = dst[static_cast<std::size_t>(i) + 1];
      Tensor total = Tensor::allocate({{rows.length}, dtype_of<T>});
      fold::fold_into(fold::Kind::sum, part, AxisSet::one(0, 2), total);
      to_parameter.copy_(total.alias(to_parameter.shape(), contiguous_strides(to_parameter.shape()), 0));
    }
  }
};

template <bool centered>
struct RowNorm {
  static constexpr std::string_view name = centered ? "layer_norm" : "rms_norm";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Shape shape;
  double eps;

  std::string attributes() const { return fmt::format("normalized_shape={}, eps={}", shape.str(), eps); }

  Spec infer(const Tensor& src, const Tensor& weight, const Tensor& bias) const {
    check_norm_source(name, src);
    check_norm_eps(name, eps);
    if (shape.empty()) throw ShapeError(fmt::format("{}: normalized_shape is [] (want at least one axis)", name));
    const int rest = src.dim() - shape.rank();
    if (rest < 0 || !std::equal(shape.begin(), shape.end(), src.shape().begin() + rest)) {
      throw ShapeError(fmt::format("{}: src is {}, normalized_shape is {} (want the last sizes of src)", name,
                                   src.shape().str(), shape.str()));
    }
    check_norm_parameter(name, "weight", weight, src, shape, "the normalized shape");
    check_norm_parameter(name, "bias", bias, src, shape, "the normalized shape");
    if (weight.defined() && bias.defined() && weight.dtype() != bias.dtype()) {
      throw DTypeError(fmt::format("{}: weight is {}, bias is {} (want one type)", name, name_of(weight.dtype()),
                                   name_of(bias.dtype())));
    }
    return src.spec();
  }

  // dst = (src - mean) scale weight + bias, scale = 1 / sqrt(mean((src - mean)^2) + eps)
  void forward(Forward& ctx, const Tensor& src, const Tensor& weight, const Tensor& bias, Tensor& dst) const {
    if (norm_type(src) == f64)
      run<double>(ctx, src, weight, bias, dst);
    else
      run<float>(ctx, src, weight, bias, dst);
  }

  // diff_src = scale (v - mean(v) - n mean(v n)) with scale = 1 / sqrt(variance + eps), n = (src - mean) scale and
  // v = weight diff_dst, in rms_norm without mean(v); diff_weight = sum(diff_dst n), diff_bias = sum(diff_dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0), weight = ctx.saved(1);
    const bool for_parameters = ctx.needs(1) || ctx.needs(2);
    const DType type = ctx.needs(1) ? ctx.input_dtype(1) : ctx.needs(2) ? ctx.input_dtype(2) : src.dtype();
    const RowNormBackward<centered> op{shape.rank(), eps, for_parameters, type};
    auto [of_src, of_weight, of_bias] =
        apply(op, Location::current(), diff_dst, src, weight, ctx.saved(2), ctx.saved(3));
    ctx.give(0, std::move(of_src));
    if (ctx.needs(1)) ctx.give(1, std::move(of_weight));
    if (ctx.needs(2)) ctx.give(2, std::move(of_bias));
  }

 private:
  template <class T>
  void run(Forward& ctx, const Tensor& src, const Tensor& weight, const Tensor& bias, Tensor& dst) const {
    const Rows rows(src.shape(), shape.rank());
    Tensor mean, scale;
    if (ctx.recording()) {
      mean = Tensor::allocate({{centered ? rows.count : 0}, dtype_of<T>});
      scale = Tensor::allocate({{rows.count}, dtype_of<T>});
    }
    ctx.save(src);
    ctx.save(weight);
    ctx.save(mean);
    ctx.save(scale);
    if (src.numel() == 0) return;
    const Tensor x = as_norm_type(src, dtype_of<T>), w = as_norm_type(weight, dtype_of<T>),
                 b = as_norm_type(bias, dtype_of<T>);
    Tensor result = norm_result(dst, dtype_of<T>);
    const T* from = x.data<T>();
    const T* of_weight = data_or_null<T>(w);
    const T* of_bias = data_or_null<T>(b);
    T* to = result.mutable_data<T>();
    T* means = ctx.recording() ? mean.mutable_data<T>() : nullptr;
    T* scales = ctx.recording() ? scale.mutable_data<T>() : nullptr;
    const bool streamed = is_streamed(result, dst);
    rows.for_blocks([&](std::int64_t block) {
      for (std::int64_t i = rows.begin(block); i < rows.end(block); ++i) {
        const T* row = from + i * rows.length;
        norm_lines::Moments<T> moments{0, 0};
        if constexpr (centered)
          moments = norm_lines::moments(row, rows.length);
        else
          moments.squares = norm_lines::squares(row, rows.length);
        const T r = 1 / std::sqrt(moments.squares / static_cast<T>(rows.length) + static_cast<T>(eps));
        norm_lines::normalize_each(row, moments.mean, r, of_weight, of_bias, to + i * rows.length, rows.length,
                                   streamed);
        if (scales == nullptr) continue;
        if (centered) means[i] = moments.mean;
        scales[i] = r;
      }
      if (streamed) norm_lines::finish_streaming();
    });
    finish_norm_result(result, dst);
  }
};

}  // namespace

Tensor layer_norm(const Tensor& src, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps, Location where) {
  return apply(RowNorm<true>{normalized_shape, eps}, where, src, weight, bias);
}

Tensor rms_norm(const Tensor& src, const Shape& normalized_shape, const Tensor& weight, std::optional<double> eps,
                Location where) {
  const double smallest = src.dtype() == f64 ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon());
  return apply(RowNorm<false>{normalized_shape, eps.value_or(smallest)}, where, src, weight, Tensor());
}

Tensor standardize_weight(const Tensor& weight, double eps, Location where) {
  if (weight.dim() < 2) {
    throw ShapeError(fmt::format("standardize_weight: weight is {} (want [out, in, ...])", weight.shape().str()));
  }
  Shape incoming = weight.shape();
  incoming.erase(0);
  return layer_norm(weight, incoming, {}, {}, eps, where);
}

}  // namespace dagrad
