// Activation functions beyond relu, tanh and sigmoid (which are in elementwise.h).
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// x above 0, slope x below; the gradient at 0 is the slope's.
Tensor leaky_relu(const Tensor& x, double slope = 0.01, Location where = Location::current());
/// leaky_relu with a learnable slope for each channel (axis 1 of x), or one for all: slope is [C] or [1].
Tensor prelu(const Tensor& x, const Tensor& slope, Location where = Location::current());
/// x above 0, alpha (e^x - 1) below (Clevert et al. 2015).
Tensor elu(const Tensor& x, double alpha = 1, Location where = Location::current());
/// 1.0507 times elu with alpha 1.67326, which keeps mean 0 and variance 1 (Klambauer et al. 2017).
Tensor selu(const Tensor& x, Location where = Location::current());
/// x Phi(x), with the normal distribution's Phi (Hendrycks and Gimpel 2016).
Tensor gelu(const Tensor& x, Location where = Location::current());
/// diff_dst (Phi(x) + x phi(x)): the gradient of gelu.
Tensor gelu_backward(const Tensor& diff_dst, const Tensor& x, Location where = Location::current());
/// Its approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
Tensor gelu_tanh(const Tensor& x, Location where = Location::current());
/// x sigmoid(x), also called swish.
Tensor silu(const Tensor& x, Location where = Location::current());
Tensor swish(const Tensor& x, Location where = Location::current());
/// x tanh(softplus(x)) (Misra 2019).
Tensor mish(const Tensor& x, Location where = Location::current());
/// log(1 + e^(beta x)) / beta, without overflow. Throws UsageError unless beta > 0.
Tensor softplus(const Tensor& x, double beta = 1, Location where = Location::current());
/// log(sigmoid(x)), without overflow.
Tensor log_sigmoid(const Tensor& x, Location where = Location::current());
/// clamp(x + 3, 0, 6) / 6; its gradient is 0 at -3 and 3.
Tensor hard_sigmoid(const Tensor& x, Location where = Location::current());
/// x hard_sigmoid(x) (Howard et al. 2019).
Tensor hard_swish(const Tensor& x, Location where = Location::current());
/// clamp(x, low, high).
Tensor hard_tanh(const Tensor& x, double low = -1, double high = 1, Location where = Location::current());

/// log_sigmoid, hard_sigmoid, hard_swish and hard_tanh under the names in torch.nn.functional.
Tensor logsigmoid(const Tensor& x, Location where = Location::current());
Tensor hardsigmoid(const Tensor& x, Location where = Location::current());
Tensor hardswish(const Tensor& x, Location where = Location::current());
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1, Location where = Location::current());

}  // namespace dagrad
