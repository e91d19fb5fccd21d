// Whole steps under names that mean the same work in every framework: what bench_workloads times and what compare sets
// beside other frameworks and beside the limit of the machine.
//
// One step is: zeroing the gradients, forward, loss, backward and the optimizer's update, on one fixed random batch.
// Weights start as each framework starts them; the loss is softmax cross-entropy of class indices; Adam has lr 1e-3,
// betas (0.9, 0.999) and eps 1e-8, SGD lr 1e-3 and no momentum.
//
//   tiny_mlp_sgd, tiny_mlp_adam     MLP 2-16-16-2, ReLU, batch 32
//   small_mlp_adam                  MLP 784-128-10, ReLU, batch 64
//   mlp1024_sgd, _adam, _adam_bf16  MLP 784-1024-1024-10, ReLU, batch 128; bf16: products in bf16, the rest in f32
//   mlp1024_bn_drop_adam, ..._bf16  the same of Linear-BatchNorm1d-ReLU-Dropout(0.5) blocks
//   mlp1024_b512_adam, ..._bf16     batch 512
//   deep50_adam                     MLP with 50 hidden layers of 64, ReLU, 10 classes, batch 32
//   cnn_adam, cnn_adam_bf16         1x28x28, conv 3x3 pad 1 (16) - ReLU - maxpool 2 - conv 3x3 pad 1 (32) - ReLU -
//                                   maxpool 2 - linear 10, batch 64
//   convbn_adam                     3x32x32, [conv 3x3 pad 1 - BatchNorm2d - ReLU] of 32, 32, maxpool 2, 64, 64,
//                                   maxpool 2, global average pool - linear 10, batch 32
//   lstm_adam                       LSTM of 64 to 128, sequence 50, batch 32, last hidden state - linear 10
//   chain_add16, chain_tanh16       t = t + a (tanh(t)) 1000 times on 16 floats, sum, backward; time per op
//   chain_mm32                      t = (t @ w) * 0.1 on 32x32, likewise; time per pair
//   eltwise_4m                      sum(tanh(x w + b)) of 4,194,304 floats, gradients of x, w and b, by fused()
//   eltwise_4m_op_by_op             the same without
//   softmax_xent_4096x1000          cross-entropy of 4096x1000 logits, forward and backward
//   layernorm_4096x1024             layer norm with weight and bias, sum of squares, forward and backward
//   hvp_small_mlp                   Hessian-vector product of small_mlp's loss, tanh for ReLU
//   hvp_small_mlp_by_grad           the same by two calls of grad, in place of hvp
//   gemm_1024                       one product of 1024x1024 by 1024x1024, no gradient
//   ..._captured                    the same by CapturedStep, replayed
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dagrad/core/dtype.h"

namespace dagrad::workloads {

/// A layer y [rows, out] = x [rows, in] w^T + b and its gradients.
struct LinearWork {
  std::int64_t rows, in, out;
  bool diff_src = true;  ///< whether the gradient of x is wanted
};

/// A matrix product [rows, inner] @ [inner, columns], so many times.
struct ProductWork {
  std::int64_t rows, inner, columns;
  int times = 1;
};

/// A convolution of [batch, in, size, size], 3x3 with a padding of 1, and its gradients.
struct ConvolutionWork {
  std::int64_t batch, in, out, size;
  bool diff_src = true;
};

/// What a step cannot do without: its products and convolutions, and the bytes that the rest reads and writes at least.
struct Work {
  DType dtype = f32;  ///< of the products
  std::vector<LinearWork> linears = {};
  std::vector<ProductWork> products = {};
  std::vector<ConvolutionWork> convolutions = {};
  double bytes = 0;

  bool empty() const { return linears.empty() && products.empty() && convolutions.empty() && bytes == 0; }
};

using Step = std::function<void()>;

struct Workload {
  std::string name;
  std::function<Step()> prepare;  ///< makes the data and the model; gives the step to be timed
  Work work = {};
  double per = 1;  ///< figures are per so many parts of a step
};

/// All, in the order above.
const std::vector<Workload>& all();
/// What a timed step runs under: the threads, denormals flushed, the seed.
Step prepare(const Workload& workload, int threads);

// The families.
std::vector<Workload> perceptrons();
std::vector<Workload> image_and_sequence_nets();
std::vector<Workload> pieces();

}  // namespace dagrad::workloads
