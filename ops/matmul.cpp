#include "dagrad/ops/matmul.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <optional>

#include "dagrad/core/autocast.h"
#include "dagrad/core/bf16_copy.h"
#include "dagrad/core/cast.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/narrow_matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/small_matmul.h"
#include "dagrad/ops/tile_matmul.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

void check_types(std::string_view op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    throw DTypeError(fmt::format("{}: element types differ: {} and {} (want one type; cast with to())", op,
                                 name_of(a.dtype()), name_of(b.dtype())));
  }
  if (!is_floating(a.dtype())) throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, name_of(a.dtype())));
}

/// `t` under `rank` dimensions, with new leading ones of size 1.
Tensor with_rank(const Tensor& t, int rank) {
  if (t.dim() == rank) return t;
  Shape shape = t.shape();
  Strides strides = t.strides();
  while (shape.rank() < rank) {
    shape.insert(0, 1);
    strides.insert(0, t.numel());
  }
  return t.alias(shape, strides, t.offset());
}

/// The reference: plain loops over row-major matrices; dst[i, :] += a[i, k] b[k, :] keeps the inner loop in line.
void matmul_f64(const Tensor& a_in, const Tensor& b_in, const Tensor& bias, Tensor& dst) {
  const Tensor a = contiguous_data(a_in), b = contiguous_data(b_in);
  const std::int64_t rows = dst.size(-2), columns = dst.size(-1), inner = a.size(-1);
  const std::int64_t batches = dst.numel() / (rows * columns);
  double* out = dst.mutable_data<double>();
  for (std::int64_t n = 0; n < batches; ++n) {
    std::int64_t at_a = 0, at_b = 0, rest = n, step_a = rows * inner, step_b = inner * columns;
    for (int axis = dst.dim() - 3; axis >= 0; --axis) {
      const std::int64_t index = rest % dst.shape()[axis];
      rest /= dst.shape()[axis];
      if (a.shape()[axis] != 1) at_a += index * step_a;
      if (b.shape()[axis] != 1) at_b += index * step_b;
      step_a *= a.shape()[axis];
      step_b *= b.shape()[axis];
    }
    for (std::int64_t i = 0; i < rows; ++i, out += columns) {
      if (bias.defined())
        std::copy_n(bias.data<double>(), columns, out);
      else
        std::fill_n(out, columns, 0.0);
      for (std::int64_t k = 0; k < inner; ++k) {
        const double factor = a.data<double>()[at_a + i * inner + k];
        const double* row = b.data<double>() + at_b + k * columns;
        for (std::int64_t j = 0; j < columns; ++j) out[j] += factor * row[j];
      }
    }
  }
}

bool run_small(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  if (dst.dim() != 2 || dst.dtype() != f32 || a.dtype() != f32 ||
      !small_matmul::suits(dst.size(0), a.size(1), dst.size(1)))
    return false;
  const bool bias_in_line = !bias.defined() || bias.is_contiguous();
  if (!dst.is_contiguous() || !bias_in_line) return false;
  const auto matrix = [](const Tensor& t) {
    return small_matmul::Matrix{t.data<float>(), t.strides()[0], t.strides()[1]};
  };
  small_matmul::run({.rows = dst.size(0),
                     .inner = a.size(1),
                     .columns = dst.size(1),
                     .a = matrix(a),
                     .b = matrix(b),
                     .bias = bias.defined() ? bias.data<float>() : nullptr,
                     .relu = relu,
                     .dst = dst.mutable_data<float>()});
  return true;
}

/// The product by own loops, where they beat a primitive; false where they do not.
bool run_loops(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu = false) {
  return narrow_matmul::run(a, b, bias, dst, relu) || run_small(a, b, bias, dst, relu) ||
         tile_matmul::run(a, b, bias, dst, relu);
}

void run_primitive(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst,
                   std::optional<onednn::Eltwise> then = {}) {
  const auto readable = [](const Tensor& t) { return onednn::matmul_takes(t) ? t : contiguous_data(t); };
  onednn::matmul(readable(a), readable(b), bias.defined() ? contiguous_data(bias) : bias, dst, then);
}

// An outer product is no more than one multiplication an element, which the elementwise loop writes as fast as memory
// takes it: 2048 x 2048 in 0.5 ms, by the primitive 3.
constexpr std::int64_t kLargeOuter = 1024;

/// dst = a @ b (+ bias) for tensors of one rank, at least 2, whose batch sizes broadcast.
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst) {
  if (dst.numel() == 0) return;
  if (dst.dtype() == f64) return matmul_f64(a, b, bias.defined() ? contiguous_data(bias) : bias, dst);
  if (a.size(-1) == 0) {
    dst.zero_();
    if (bias.defined()) dst.copy_(bias);
    return;
  }
  if (a.size(-1) == 1 && !bias.defined() && dst.dtype() == a.dtype() && dst.numel() >= kLargeOuter)
    return pointwise::binary(pointwise::Binary::mul, a, b, dst);
  if (!run_loops(a, b, bias, dst)) run_primitive(a, b, bias, dst);
}

struct Matmul {
  static constexpr std::string_view name = "matmul";
  static constexpr AutocastRule autocast = AutocastRule::bf16;
  bool unread = false;  // nobody reads the result (see Backward::reads)

  Spec infer(const Tensor& a, const Tensor& b) const {
    check_types(name, a, b);
    if (a.size(-1) != b.size(-2)) {
      throw ShapeError(fmt::format("matmul: inner sizes differ: a is {}, b is {} (want b.size(-2) == {})",
                                   a.shape().str(), b.shape().str(), a.size(-1)));
    }
    Shape batch_a = a.shape(), batch_b = b.shape();
    for (Shape* batch : {&batch_a, &batch_b}) {
      batch->erase(batch->rank() - 1);
      batch->erase(batch->rank() - 1);
    }
    Shape shape = broadcast_shapes(name, batch_a, batch_b);
    shape.push_back(a.size(-2));
    shape.push_back(b.size(-1));
    return {shape, a.dtype()};
  }

  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    if (!unread) multiply(with_rank(a, dst.dim()), with_rank(b, dst.dim()), {}, dst);
    ctx.save(b.requires_grad() ? a : Tensor());
    ctx.save(a.requires_grad() ? b : Tensor());
  }

  // diff_a = diff_dst b^T, diff_b = a^T diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, gradient(ctx, 0, diff_dst, transpose(ctx.saved(1))));
    if (ctx.needs(1)) ctx.give(1, gradient(ctx, 1, transpose(ctx.saved(0)), diff_dst));
  }

 private:
  static Tensor gradient(const Backward& ctx, std::size_t i, const Tensor& a, const Tensor& b) {
    const bool of_matrices = a.dim() == 2 && b.dim() == 2;  // so the product is the gradient, and no sum of it
    if (of_matrices && !ctx.reads(i)) return apply(Matmul{.unread = true}, Location::current(), a, b);
    return sum_to(matmul(a, b), ctx.input_shape(i));
  }
};

// --- linear ---

/// [..., C] -> [N, C], also where C is 0.
Shape shape_of_rows(const Shape& shape) {
  std::int64_t rows = 1;
  for (int axis = 0; axis < shape.rank() - 1; ++axis) rows *= shape[axis];
  return {rows, shape.back()};
}

/// [..., C] as [N, C] without history: a view where the rows lie evenly, else a copy.
Tensor rows_of(const Tensor& t) {
  if (t.dim() == 2) return t;
  const Tensor source = contiguous_data(t);
  const Shape shape = shape_of_rows(t.shape());
  return source.alias(shape, contiguous_strides(shape), source.offset());
}

Tensor transposed(const Tensor& matrix) {
  return matrix.alias({matrix.size(1), matrix.size(0)}, {matrix.strides()[1], matrix.strides()[0]}, matrix.offset());
}

// Note [Weights in f32, products in bf16]. Under autocast, linear's src is cast to bf16, but its f32 weights and bias
// go in as they are. The products take weights that were rounded once, with the last change of the parameter (see
// core/bf16_copy.h); the bias is added, and the gradients of both are summed and stored, in f32. So a step has no pass
// over the weights beside the optimizer's, and their gradients are not rounded.

/// `weights` as a factor beside operands of `type`.
Tensor as_factor(const Tensor& weights, DType type) {
  if (weights.dtype() == type) return weights;
  return grad_enabled() && weights.requires_grad() ? cast(weights, type, Location::current())
                                                   : rounded_to_bf16(weights);
}

/// The weights' and the bias's gradients of linear, in one op.
struct LinearBackwardWeights {
  static constexpr std::string_view name = "linear_backward_weights";
  bool mixed = false;   // the weights are f32 where src is bf16
  bool unread = false;  // nobody reads diff_weights (see Backward::reads)

  std::array<Spec, 2> infer(const Tensor& diff_dst, const Tensor& src) const {
    const DType dtype = mixed && src.dtype() == bf16 ? f32 : src.dtype();
    return {Spec{{diff_dst.size(-1), src.size(-1)}, dtype}, Spec{{diff_dst.size(-1)}, dtype}};
  }

  // diff_weights = diff_dst^T src, diff_bias = sum of diff_dst over all but the last axis
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& src, std::array<Tensor, 2>& dst) const {
    const Tensor rows = rows_of(diff_dst);
    if (!unread) multiply(transposed(rows), rows_of(src), {}, dst[0]);
    if (rows.dtype() == f32 && rows.is_contiguous() && rows.size(0) <= small_matmul::kMostSummed)
      small_matmul::column_sums(rows.data<float>(), rows.size(0), rows.size(1), dst[1].mutable_data<float>());
    else
      fold::fold_into(fold::Kind::sum, rows, AxisSet::one(0, 2), dst[1]);
    ctx.save(diff_dst);
    ctx.save(src);
  }

  // With cotangents W of diff_weights and b of diff_bias: diff(diff_dst) = src W^T + b, diff(src) = diff_dst W
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    const DType type = ctx.saved(0).dtype();
    const auto factor = [type](const Tensor& t) { return t.defined() ? cast(t, type, Location::current()) : t; };
    const Tensor weights = factor(diff[0]), bias = factor(diff[1]);
    if (ctx.needs(0))
      ctx.give(0, weights.defined() ? linear(ctx.saved(1), weights, bias) : expand(bias, ctx.input_shape(0)));
    if (ctx.needs(1) && weights.defined()) ctx.give(1, matmul(ctx.saved(0), weights));
  }
};

/// `mixed`: weights and bias may be f32 where src is bf16.
Spec infer_linear(const Tensor& src, const Tensor& weights, const Tensor& bias, bool mixed) {
  if (!mixed) check_types("linear", src, weights);
  if (weights.dim() != 2)
    throw ShapeError(fmt::format("linear: weights are {} (want [out, in])", weights.shape().str()));
  if (src.dim() == 0 || src.size(-1) != weights.size(1)) {
    throw ShapeError(fmt::format("linear: inner sizes differ: src is {}, weights are {} (want src.size(-1) == {})",
                                 src.shape().str(), weights.shape().str(), weights.size(1)));
  }
  if (bias.defined()) {
    check_types("linear", mixed ? weights : src, bias);
    if (bias.shape() != Shape{weights.size(0)}) {
      throw ShapeError(fmt::format("linear: bias is {}, weights are {} (want bias of [{}])", bias.shape().str(),
                                   weights.shape().str(), weights.size(0)));
    }
  }
  Shape shape = src.shape();
  shape[shape.rank() - 1] = weights.size(0);
  return {shape, src.dtype()};
}

/// Saves what give_linear() reads.
void save_linear(Forward& ctx, const Tensor& src, const Tensor& weights, const Tensor& bias) {
  const bool bias_too = bias.defined() && bias.requires_grad();
  ctx.save(weights.requires_grad() || bias_too ? src : Tensor());
  ctx.save(src.requires_grad() ? weights : Tensor());
}

/// The backward of linear.
void give_linear(Backward& ctx, const Tensor& diff_dst) {
  if (ctx.needs(0)) ctx.give(0, matmul(diff_dst, as_factor(ctx.saved(1), diff_dst.dtype())));
  const bool mixed = ctx.needs(1) && ctx.input_dtype(1) != diff_dst.dtype();
  const bool unread = ctx.needs(1) && !ctx.reads(1);
  if (ctx.needs(1) && (ctx.needs(2) || mixed || unread)) {
    auto [weights, bias] = apply(LinearBackwardWeights{mixed, unread}, Location::current(), diff_dst, ctx.saved(0));
    ctx.give(1, std::move(weights));
    ctx.give(2, std::move(bias));
  } else if (ctx.needs(1)) {
    const Tensor src = ctx.saved(0);
    const Tensor diff_rows = reshape(diff_dst, shape_of_rows(diff_dst.shape()));
    ctx.give(1, matmul(transpose(diff_rows), reshape(src, shape_of_rows(src.shape()))));
  } else if (ctx.needs(2)) {
    ctx.give(2, sum_to(cast(diff_dst, ctx.input_dtype(2), Location::current()), ctx.input_shape(2)));
  }
}

struct Linear {
  static constexpr std::string_view name = "linear";
  bool mixed = false;

  Spec infer(const Tensor& src, const Tensor& weights, const Tensor& bias) const {
    return infer_linear(src, weights, bias, mixed);
  }

  // dst = src weights^T + bias
  void forward(Forward& ctx, const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) const {
    Tensor rows = rows_of(dst);
    multiply(rows_of(src), transposed(as_factor(weights, src.dtype())), bias, rows);
    save_linear(ctx, src, weights, bias);
  }

  // diff_src = diff_dst weights, diff_weights = diff_dst^T src, diff_bias = column sums of diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { give_linear(ctx, diff_dst); }
};

// --- linear with an activation ---

/// An activation whose gradient follows from its result.
struct LinearActivation {
  static constexpr std::string_view name = "linear_activation";
  Activation activation;  // not gelu
  bool mixed = false;

  std::string attributes() const {
    constexpr std::array names{"relu", "tanh", "sigmoid"};
    return fmt::format("activation={}", names[static_cast<std::size_t>(activation)]);
  }

  Spec infer(const Tensor& src, const Tensor& weights, const Tensor& bias) const {
    return infer_linear(src, weights, bias, mixed);
  }

  // dst = f(src weights^T + bias)
  void forward(Forward& ctx, const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) const {
    const Tensor from = rows_of(src), matrix = transposed(as_factor(weights, src.dtype()));
    Tensor rows = rows_of(dst);
    const bool is_relu = activation == Activation::relu;
    // relu of oneDNN 2.6 takes NaN to 0 as a post-op too, so it follows in place.
    const bool as_post_op = !is_relu && dst.dtype() != f64 && dst.numel() > 0 && src.size(-1) > 0;
    if (run_loops(from, matrix, bias, rows, is_relu)) {
      if (!is_relu) pointwise::unary(function(), rows, rows);
    } else if (as_post_op) {
      const bool is_tanh = activation == Activation::tanh;
      run_primitive(from, matrix, bias, rows, is_tanh ? onednn::Eltwise::tanh : onednn::Eltwise::logistic);
    } else {
      multiply(from, matrix, bias, rows);
      pointwise::unary(function(), rows, rows);
    }
    save_linear(ctx, src, weights, bias);
    ctx.save(dst);
  }

  // with z the sum and dst = f(z): diff_z = diff_dst f'(z), from which the others follow as for linear
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor diff_sum = activation_backward(diff_dst, ctx.saved(2));
    ctx.done_with(diff_dst);
    ctx.done_with_saved(2);
    give_linear(ctx, diff_sum);
  }

 private:
  Tensor activation_backward(const Tensor& diff_dst, const Tensor& dst) const {
    switch (activation) {
      case Activation::relu: return relu_backward(diff_dst, dst);
      case Activation::tanh: return tanh_backward(diff_dst, dst);
      default: return sigmoid_backward(diff_dst, dst);
    }
  }
  pointwise::Unary function() const {
    if (activation == Activation::relu) return pointwise::Unary::relu;
    return activation == Activation::tanh ? pointwise::Unary::tanh : pointwise::Unary::sigmoid;
  }
};

/// gelu's gradient needs the sum. That is a second output, not a workspace: so a second derivative flows through it.
struct LinearGelu {
  static constexpr std::string_view name = "linear_gelu";
  bool mixed;
  bool keep_sum;  // else the second output is empty, and gelu works in place

  std::array<Spec, 2> infer(const Tensor& src, const Tensor& weights, const Tensor& bias) const {
    const Spec spec = infer_linear(src, weights, bias, mixed);
    return {spec, keep_sum ? spec : Spec{{0}, spec.dtype}};
  }

  // dst = gelu(z), z = src weights^T + bias. Not as a post-op: oneDNN 2.6 loses every digit of results near 0.
  void forward(Forward& ctx, const Tensor& src, const Tensor& weights, const Tensor& bias,
               std::array<Tensor, 2>& dst) const {
    Tensor rows = rows_of(dst[0]), sum = keep_sum ? rows_of(dst[1]) : rows;
    multiply(rows_of(src), transposed(as_factor(weights, src.dtype())), bias, sum);
    pointwise::unary(pointwise::Unary::gelu, sum, rows);
    save_linear(ctx, src, weights, bias);
    ctx.save(dst[1]);
  }

  // diff_z += diff_dst gelu'(z), from which the others follow as for linear
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    Tensor diff_sum = diff[1];
    if (diff[0].defined()) {
      const Tensor through = gelu_backward(diff[0], ctx.saved(2));
      diff_sum = diff_sum.defined() ? diff_sum + through : through;
    }
    give_linear(ctx, diff_sum);
  }
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, Location where) {
  if (a.dim() == 0 || b.dim() == 0) {
    throw ShapeError(fmt::format("matmul: a is {}, b is {} (want at least one dimension each; use mul for scalars)",
                                 a.shape().str(), b.shape().str()));
  }
  if (a.dim() == 1 && b.dim() == 1 && a.numel() != b.numel()) {
    throw ShapeError(fmt::format("matmul: inner sizes differ: a is {}, b is {} (want equal sizes)", a.shape().str(),
                                 b.shape().str()));
  }
  if (a.dim() == 1) return squeeze(matmul(unsqueeze(a, 0, where), b, where), b.dim() == 1 ? 0 : -2, where);
  if (b.dim() == 1) return squeeze(matmul(a, unsqueeze(b, 1, where), where), -1, where);
  if (a.dim() > 2 && b.dim() == 2 && a.is_contiguous() && a.size(-1) == b.size(0) && a.numel() > 0) {
    // One large product instead of a batch of small ones.
    Shape shape = a.shape();
    shape[shape.rank() - 1] = b.size(1);
    return reshape(apply(Matmul{}, where, reshape(a, {-1, a.size(-1)}, where), b), shape, where);
  }
  return apply(Matmul{}, where, a, b);
}

namespace {

/// The inputs of linear, and whether their types are mixed.
struct LinearInputs {
  Tensor src, weights, bias;
  bool mixed = false;

  LinearInputs(const Tensor& src_in, const Tensor& weights_in, const Tensor& bias_in, Location where)
      : src(src_in), weights(weights_in), bias(bias_in) {
    if (!autocast_enabled()) return;
    const auto is = [](const Tensor& t, DType dtype) { return !t.defined() || t.dtype() == dtype; };
    mixed = weights.dtype() == f32 && is(bias, f32) && (src.dtype() == f32 || src.dtype() == bf16);
    if (mixed) {
      src = autocast_to(AutocastRule::bf16, src, where);
      return;
    }
    std::array all{src, weights, bias};
    autocast_inputs(AutocastRule::bf16, all, where);
    src = all[0];
    weights = all[1];
    bias = all[2];
  }
};

}  // namespace

Tensor linear(const Tensor& src, const Tensor& weights, const Tensor& bias, Location where) {
  const LinearInputs in(src, weights, bias, where);
  return apply(Linear{in.mixed}, where, in.src, in.weights, in.bias);
}

Tensor linear(const Tensor& src, const Tensor& weights, const Tensor& bias, Activation activation, Location where) {
  const LinearInputs in(src, weights, bias, where);
  if (activation != Activation::gelu)
    return apply(LinearActivation{activation, in.mixed}, where, in.src, in.weights, in.bias);
  const bool recording = Recorder::wants(std::array{&in.src, &in.weights, &in.bias});
  return apply(LinearGelu{in.mixed, recording}, where, in.src, in.weights, in.bias)[0];
}

}  // namespace dagrad
