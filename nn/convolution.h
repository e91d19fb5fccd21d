// Convolutional layers.
#pragma once

#include <string>

#include "dagrad/nn/module.h"
#include "dagrad/ops/convolution.h"

namespace dagrad::nn {

/// `nn::Conv2d({.in = 3, .out = 16, .kernel = 3, .padding = Padding::same})`.
struct ConvolutionLayerOptions {
  std::int64_t in = 0, out = 0;  ///< channels
  PerAxis kernel = 0;
  PerAxis stride = 1;
  Padding padding = 0;
  PerAxis dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};

/// A convolution over `axes` spatial axes of x [N, in, spatial...] (see conv1d); weight is [out, in / groups,
/// kernel...], bias [out]. Both start as U(-b, b), b = 1 / sqrt(in / groups * kernel elements), as in PyTorch. Throws
/// UsageError for options that do not fit together.
class Convolution : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;
  Tensor bias;  ///< undefined without one
  ConvolutionOptions options;

 protected:
  Convolution(int axes, const ConvolutionLayerOptions& given);
};

class Conv1d : public Convolution {
 public:
  explicit Conv1d(const ConvolutionLayerOptions& given) : Convolution(1, given) {}
  Conv1d(std::int64_t in, std::int64_t out, const PerAxis& kernel) : Conv1d({.in = in, .out = out, .kernel = kernel}) {}
};
class Conv2d : public Convolution {
 public:
  explicit Conv2d(const ConvolutionLayerOptions& given) : Convolution(2, given) {}
  Conv2d(std::int64_t in, std::int64_t out, const PerAxis& kernel) : Conv2d({.in = in, .out = out, .kernel = kernel}) {}
};
class Conv3d : public Convolution {
 public:
  explicit Conv3d(const ConvolutionLayerOptions& given) : Convolution(3, given) {}
  Conv3d(std::int64_t in, std::int64_t out, const PerAxis& kernel) : Conv3d({.in = in, .out = out, .kernel = kernel}) {}
};

struct ConvolutionTransposeLayerOptions {
  std::int64_t in = 0, out = 0;  ///< channels
  PerAxis kernel = 0;
  PerAxis stride = 1;
  PerAxis padding = 0;
  PerAxis output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  PerAxis dilation = 1;
};

/// The transpose of a convolution (see conv_transpose1d); weight is [in, out / groups, kernel...], bias [out]. Both
/// start as U(-b, b), b = 1 / sqrt(out / groups * kernel elements), as in PyTorch.
class ConvolutionTranspose : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor weight;
  Tensor bias;  ///< undefined without one
  ConvolutionTransposeOptions options;

 protected:
  ConvolutionTranspose(int axes, const ConvolutionTransposeLayerOptions& given);
};

class ConvTranspose1d : public ConvolutionTranspose {
 public:
  explicit ConvTranspose1d(const ConvolutionTransposeLayerOptions& given) : ConvolutionTranspose(1, given) {}
};
class ConvTranspose2d : public ConvolutionTranspose {
 public:
  explicit ConvTranspose2d(const ConvolutionTransposeLayerOptions& given) : ConvolutionTranspose(2, given) {}
};
class ConvTranspose3d : public ConvolutionTranspose {
 public:
  explicit ConvTranspose3d(const ConvolutionTransposeLayerOptions& given) : ConvolutionTranspose(3, given) {}
};

}  // namespace dagrad::nn
