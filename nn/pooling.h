// Pooling layers.
#pragma once

#include <string>

#include "dagrad/nn/module.h"
#include "dagrad/ops/pooling.h"

namespace dagrad::nn {

// Each is the function of its name in ops/pooling.h with options of its own.

class MaxPool1d : public Module {
 public:
  explicit MaxPool1d(const MaxPoolOptions& options_in) : options(options_in) {}
  explicit MaxPool1d(const PerAxis& kernel) : options{.kernel = kernel} {}
  MaxPool1d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return max_pool1d(x, options); }
  std::string describe() const override;

  MaxPoolOptions options;
};

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(const MaxPoolOptions& options_in) : options(options_in) {}
  explicit MaxPool2d(const PerAxis& kernel) : options{.kernel = kernel} {}
  MaxPool2d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, options); }
  std::string describe() const override;

  MaxPoolOptions options;
};

class MaxPool3d : public Module {
 public:
  explicit MaxPool3d(const MaxPoolOptions& options_in) : options(options_in) {}
  explicit MaxPool3d(const PerAxis& kernel) : options{.kernel = kernel} {}
  MaxPool3d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return max_pool3d(x, options); }
  std::string describe() const override;

  MaxPoolOptions options;
};

class AvgPool1d : public Module {
 public:
  explicit AvgPool1d(const AvgPoolOptions& options_in) : options(options_in) {}
  explicit AvgPool1d(const PerAxis& kernel) : options{.kernel = kernel} {}
  AvgPool1d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return avg_pool1d(x, options); }
  std::string describe() const override;

  AvgPoolOptions options;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(const AvgPoolOptions& options_in) : options(options_in) {}
  explicit AvgPool2d(const PerAxis& kernel) : options{.kernel = kernel} {}
  AvgPool2d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, options); }
  std::string describe() const override;

  AvgPoolOptions options;
};

class AvgPool3d : public Module {
 public:
  explicit AvgPool3d(const AvgPoolOptions& options_in) : options(options_in) {}
  explicit AvgPool3d(const PerAxis& kernel) : options{.kernel = kernel} {}
  AvgPool3d(const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding = 0)
      : options{.kernel = kernel, .stride = stride, .padding = padding} {}
  Tensor forward(const Tensor& x) override { return avg_pool3d(x, options); }
  std::string describe() const override;

  AvgPoolOptions options;
};

class AdaptiveAvgPool1d : public Module {
 public:
  explicit AdaptiveAvgPool1d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool1d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

class AdaptiveAvgPool2d : public Module {
 public:
  explicit AdaptiveAvgPool2d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool2d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

class AdaptiveAvgPool3d : public Module {
 public:
  explicit AdaptiveAvgPool3d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool3d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

class AdaptiveMaxPool1d : public Module {
 public:
  explicit AdaptiveMaxPool1d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_max_pool1d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

class AdaptiveMaxPool2d : public Module {
 public:
  explicit AdaptiveMaxPool2d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_max_pool2d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

class AdaptiveMaxPool3d : public Module {
 public:
  explicit AdaptiveMaxPool3d(const PerAxis& output_in) : output(output_in) {}
  Tensor forward(const Tensor& x) override { return adaptive_max_pool3d(x, output); }
  std::string describe() const override;

  PerAxis output;
};

/// The mean of each channel of [N, C, spatial...], as [N, C].
class GlobalAvgPool : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "GlobalAvgPool"; }
};

}  // namespace dagrad::nn
