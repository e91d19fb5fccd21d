// oneDNN's primitives on tensors. All calls of the library stand behind this header, so that what differs between its
// versions is a matter of this folder. For kernels: nothing here is recorded, and shapes are taken as checked.
//
// Each function looks its primitive up in the calling thread's cache by the shapes, strides and types of its tensors;
// a hit sets the pointers in memory objects that were made with the primitive and executes it. Small work runs on
// primitives made for one thread, because waking the others takes longer (0.7 us) than the work.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dagrad/core/tensor.h"

namespace dagrad::onednn {

/// What the wrapper has done since the start, over all threads.
struct Statistics {
  std::uint64_t primitives_created = 0;  ///< constant in a warm training loop
  std::uint64_t executions = 0;
};
Statistics statistics();

/// The version of the library that is loaded, like `2.6.3`.
const char* version();

enum class Eltwise { relu, tanh, logistic, exp, sqrt, square, abs, linear };
enum class Binary { add, sub, mul, div, maximum, minimum };

/// dst = f(src), element by element; `alpha` and `beta` as the algorithm has them (linear: alpha x + beta).
/// Contiguous f32 or bf16 of one shape.
void eltwise(Eltwise algorithm, const Tensor& src, Tensor& dst, float alpha = 0, float beta = 0);

/// dst = f(a, b), element by element. Contiguous f32 or bf16 of one shape.
void binary(Binary algorithm, const Tensor& a, const Tensor& b, Tensor& dst);

/// dst = a @ b (+ bias, of shape [N]): [..., M, K] @ [..., K, N] -> [..., M, N], f32 or bf16. Batch sizes are equal, or
/// 1 in a or b. Takes operands whose last two dimensions are transposed; matmul_takes() says which strides. `then`,
/// where there is one, is applied to each element before it is rounded and stored.
void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, std::optional<Eltwise> then = {});
/// Whether matmul reads `t` as it lies: one of the last two strides is 1 and the rows do not overlap.
bool matmul_takes(const Tensor& t);

/// How a convolution's window moves, per spatial axis. `before` and `after` are zeros that the source is thought to
/// have around it.
struct ConvolutionGeometry {
  int axes = 0;  ///< 1 to 3
  std::array<std::int64_t, 3> stride{1, 1, 1}, dilation{1, 1, 1}, before{}, after{};
  std::int64_t groups = 1;
};

/// dst[n, o, p] = bias[o] + sum over c, k of weights[o, c, k] src[n, c of o's group, p stride + k dilation - before],
/// and its two adjoints. f32 or bf16, not empty; src and dst channels-last, weights [O, C / groups, k...] and the bias
/// (may be undefined) contiguous.
void convolution(const ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& bias,
                 Tensor& dst);
void convolution_backward_data(const ConvolutionGeometry& geometry, const Tensor& diff_dst, const Tensor& weights,
                               Tensor& diff_src);
void convolution_backward_weights(const ConvolutionGeometry& geometry, const Tensor& src, const Tensor& diff_dst,
                                  Tensor& diff_weights, Tensor& diff_bias);

/// dst = log softmax of contiguous src along `axis`.
void log_softmax(const Tensor& src, int axis, Tensor& dst);
/// diff_src = diff_dst - exp(dst) sum(diff_dst, axis).
void log_softmax_backward(const Tensor& dst, const Tensor& diff_dst, int axis, Tensor& diff_src);

}  // namespace dagrad::onednn
