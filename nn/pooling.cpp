#include "dagrad/nn/pooling.h"

#include <fmt/format.h>

#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

std::string text_of(const PerAxis& values) {
  std::string text;
  for (int i = 0; i < values.count(); ++i) text += fmt::format("{}{}", i > 0 ? "x" : "", values[i]);
  return text;
}

template <class Options>
std::string windows_text(const char* layer, const Options& o) {
  std::string text = fmt::format("{}(kernel={}", layer, text_of(o.kernel));
  if (o.stride) text += fmt::format(", stride={}", text_of(*o.stride));
  if (text_of(o.padding) != "0") text += fmt::format(", padding={}", text_of(o.padding));
  if (o.ceil_mode) text += ", ceil_mode=true";
  return text;
}

std::string text_of(const char* layer, const MaxPoolOptions& o) {
  std::string text = windows_text(layer, o);
  if (text_of(o.dilation) != "1") text += fmt::format(", dilation={}", text_of(o.dilation));
  return text + ")";
}

std::string text_of(const char* layer, const AvgPoolOptions& o) {
  std::string text = windows_text(layer, o);
  if (!o.count_include_pad) text += ", count_include_pad=false";
  if (o.divisor_override != 0) text += fmt::format(", divisor_override={}", o.divisor_override);
  return text + ")";
}

std::string text_of(const char* layer, const PerAxis& output) { return fmt::format("{}({})", layer, text_of(output)); }

}  // namespace

std::string MaxPool1d::describe() const { return text_of("MaxPool1d", options); }
std::string MaxPool2d::describe() const { return text_of("MaxPool2d", options); }
std::string MaxPool3d::describe() const { return text_of("MaxPool3d", options); }
std::string AvgPool1d::describe() const { return text_of("AvgPool1d", options); }
std::string AvgPool2d::describe() const { return text_of("AvgPool2d", options); }
std::string AvgPool3d::describe() const { return text_of("AvgPool3d", options); }
std::string AdaptiveAvgPool1d::describe() const { return text_of("AdaptiveAvgPool1d", output); }
std::string AdaptiveAvgPool2d::describe() const { return text_of("AdaptiveAvgPool2d", output); }
std::string AdaptiveAvgPool3d::describe() const { return text_of("AdaptiveAvgPool3d", output); }
std::string AdaptiveMaxPool1d::describe() const { return text_of("AdaptiveMaxPool1d", output); }
std::string AdaptiveMaxPool2d::describe() const { return text_of("AdaptiveMaxPool2d", output); }
std::string AdaptiveMaxPool3d::describe() const { return text_of("AdaptiveMaxPool3d", output); }

Tensor GlobalAvgPool::forward(const Tensor& x) { return flatten(global_avg_pool(x), 1); }

}  // namespace dagrad::nn
