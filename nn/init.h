// Initialisation: fills a tensor in place, unrecorded, and returns it.
#pragma once

#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad::nn::init {

/// Which side of a layer keeps its variance: its inputs going forward or its outputs going back.
enum class Mode { fan_in, fan_out };
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// By how much a nonlinearity must be made up for: sqrt(2) for relu, sqrt(2 / (1 + a^2)) for leaky relu of slope `a`,
/// 5/3 for tanh, 3/4 for selu, 1 for linear and sigmoid (PyTorch's calculate_gain).
double calculate_gain(Nonlinearity nonlinearity, double a = 0.01);

struct Fans {
  double in, out;
};
/// How many inputs an output sums over, and the reverse, for weights [out, in, kernel...]. Throws ShapeError below 2
/// dimensions.
Fans fans(const Tensor& weights);

Tensor& uniform_(Tensor& t, double low = 0, double high = 1, Generator& generator = default_generator());
Tensor& normal_(Tensor& t, double mean = 0, double std = 1, Generator& generator = default_generator());
/// N(mean, std^2) without what lies outside of [low, high]. Throws UsageError unless std > 0 and low < high.
Tensor& trunc_normal_(Tensor& t, double mean = 0, double std = 1, double low = -2, double high = 2,
                      Generator& generator = default_generator());
Tensor& constant_(Tensor& t, double value);
Tensor& zeros_(Tensor& t);
Tensor& ones_(Tensor& t);

/// U(-b, b) with b = gain sqrt(6 / (in + out)), and N(0, gain^2 2 / (in + out)) (Glorot and Bengio 2010).
Tensor& xavier_uniform_(Tensor& t, double gain = 1, Generator& generator = default_generator());
Tensor& xavier_normal_(Tensor& t, double gain = 1, Generator& generator = default_generator());

struct KaimingOptions {
  double a = 0;  ///< slope of the leaky relu behind the layer; 0 is relu
  Mode mode = Mode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// U(-b, b) with b = gain sqrt(3 / fan), and N(0, gain^2 / fan) (He et al. 2015).
Tensor& kaiming_uniform_(Tensor& t, const KaimingOptions& options = {}, Generator& generator = default_generator());
Tensor& kaiming_normal_(Tensor& t, const KaimingOptions& options = {}, Generator& generator = default_generator());

/// N(0, 1 / in), and U(-b, b) with b = sqrt(3 / in), which has the same variance (LeCun et al. 1998; for tanh, the
/// form of Xavier's that only looks at the inputs).
Tensor& lecun_normal_(Tensor& t, Generator& generator = default_generator());
Tensor& lecun_uniform_(Tensor& t, Generator& generator = default_generator());
/// U(-b, b) with b = 1 / sqrt(in): how Linear and the convolutions start, in PyTorch as well.
Tensor& fan_in_uniform_(Tensor& t, Generator& generator = default_generator());

/// `gain` times a random matrix with orthonormal rows, or columns where these are fewer (Saxe et al. 2013): every such
/// matrix is as likely as every other. Further axes of t count as columns. Throws ShapeError below 2 dimensions.
Tensor& orthogonal_(Tensor& t, double gain = 1, Generator& generator = default_generator());
/// Ones on the diagonal of a matrix, zeros elsewhere. Throws ShapeError unless t has 2 dimensions.
Tensor& eye_(Tensor& t);
/// Weights [out, in, kernel...] under which a convolution passes its channels on: 1 at the centre of the kernel from
/// channel i to i, within each of `groups`. Throws ShapeError unless t has 3 to 5 dimensions and groups divide out.
Tensor& dirac_(Tensor& t, std::int64_t groups = 1);
/// N(0, std^2) with ceil(sparsity rows) zeros in each column, at random (Martens 2010). Throws ShapeError unless t has
/// 2 dimensions, UsageError unless 0 <= sparsity <= 1.
Tensor& sparse_(Tensor& t, double sparsity, double std = 0.01, Generator& generator = default_generator());

}  // namespace dagrad::nn::init
