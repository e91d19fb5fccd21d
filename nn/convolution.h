// Convolutional layers.
#pragma once

#include <string>

#include "dagrad/nn/module.h"
#include "dagrad/ops/convolution.h"

namespace dagrad::nn {

/// `nn::Conv2d(3, 16, 3, {.padding = 1})`, or `nn::Conv2d({.in = 3, .out = 16, .kernel = 3, .padding =
/// Padding::same})`.
struct ConvolutionLayerOptions {
  std::int64_t in = 0, out = 0;  ///< channels
  PerAxis kernel = 0;
  PerAxis stride = 1;
  Padding padding = 0;
  PerAxis dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};

namespace detail {
ConvolutionLayerOptions completed(const char* layer, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                                  ConvolutionLayerOptions more);
}  // namespace detail

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
  /// `more` leaves out what is given before it. Throws UsageError otherwise.
  Conv1d(std::int64_t in, std::int64_t out, const PerAxis& kernel, const ConvolutionLayerOptions& more = {})
      : Convolution(1, detail::completed("Conv1d", in, out, kernel, more)) {}
};
class Conv2d : public Convolution {
 public:
  explicit Conv2d(const ConvolutionLayerOptions& given) : Convolution(2, given) {}
  /// `more` leaves out what is given before it. Throws UsageError otherwise.
  Conv2d(std::int64_t in, std::int64_t out, const PerAxis& kernel, const ConvolutionLayerOptions& more = {})
      : Convolution(2, detail::completed("Conv2d", in, out, kernel, more)) {}
};
class Conv3d : public Convolution {
 public:
  explicit Conv3d(const ConvolutionLayerOptions& given) : Convolution(3, given) {}
  /// `more` leaves out what is given before it. Throws UsageError otherwise.
  Conv3d(std::int64_t in, std::int64_t out, const PerAxis& kernel, const ConvolutionLayerOptions& more = {})
      : Convolution(3, detail::completed("Conv3d", in, out, kernel, more)) {}
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

namespace detail {
ConvolutionTransposeLayerOptions completed(const char* layer, std::int64_t in, std::int64_t out, const PerAxis& kernel,
                                           ConvolutionTransposeLayerOptions more);
}  // namespace detail

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
  /// As Conv1d's.
  ConvTranspose1d(std::int64_t in, std::int64_t out, const PerAxis& kernel,
                  const ConvolutionTransposeLayerOptions& more = {})
      : ConvolutionTranspose(1, detail::completed("ConvTranspose1d", in, out, kernel, more)) {}
};
class ConvTranspose2d : public ConvolutionTranspose {
 public:
  explicit ConvTranspose2d(const ConvolutionTransposeLayerOptions& given) : ConvolutionTranspose(2, given) {}
  /// As Conv2d's.
  ConvTranspose2d(std::int64_t in, std::int64_t out, const PerAxis& kernel,
                  const ConvolutionTransposeLayerOptions& more = {})
      : ConvolutionTranspose(2, detail::completed("ConvTranspose2d", in, out, kernel, more)) {}
};
class ConvTranspose3d : public ConvolutionTranspose {
 public:
  explicit ConvTranspose3d(const ConvolutionTransposeLayerOptions& given) : ConvolutionTranspose(3, given) {}
  /// As Conv3d's.
  ConvTranspose3d(std::int64_t in, std::int64_t out, const PerAxis& kernel,
                  const ConvolutionTransposeLayerOptions& more = {})
      : ConvolutionTranspose(3, detail::completed("ConvTranspose3d", in, out, kernel, more)) {}
};

}  // namespace dagrad::nn
