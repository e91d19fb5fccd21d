// The report's pictures of what the first layer has learned.
#include <algorithm>
#include <fmt/format.h>

#include "dagrad/nn/convolution.h"
#include "dagrad/nn/layers.h"
#include "dagrad/ops/view.h"
#include "tools/picture.h"
#include "tools/report.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kMostFilters = 32;

/// The weights of the first layer that sees the samples, [out, ...]; undefined when it is of another kind.
Tensor first_weights(nn::Sequential& network) {
  Tensor found;
  for (const auto& [name, part] : network.named_modules()) {
    if (auto* const linear = dynamic_cast<nn::Linear*>(part)) return linear->weight;
    if (auto* const convolution = dynamic_cast<nn::Convolution*>(part)) return convolution->weight;
    if (!part->named_parameters().empty() && dynamic_cast<nn::Sequential*>(part) == nullptr) return found;
  }
  return found;
}

}  // namespace

void add_filters(Page& page, TrainingResult& r) {
  const Tensor weights = first_weights(r.runs[0].network).detach();
  const Shape& input = r.description.shape.input;
  if (!weights.defined() || input.rank() < 2 || input.rank() > 3) return;
  const bool is_convolution = weights.dim() == 4;
  const std::int64_t height = is_convolution ? weights.size(2) : input[input.rank() - 2];
  const std::int64_t width = is_convolution ? weights.size(3) : input.back();
  if (height * width < 4 || weights.numel() % (weights.size(0) * height * width) != 0) return;
  const std::int64_t channels = weights.numel() / (weights.size(0) * height * width);
  const Tensor all = reshape(weights, {weights.size(0), channels, height, width});
  std::vector<std::string> pictures;
  for (std::int64_t i = 0; i < std::min(all.size(0), kMostFilters); ++i) {
    for (std::int64_t c = 0; c < channels && static_cast<std::int64_t>(pictures.size()) < kMostFilters; ++c) {
      const std::string caption = channels == 1 ? std::to_string(i + 1) : fmt::format("{}, channel {}", i + 1, c + 1);
      pictures.push_back(weight_picture(select(select(all, 0, i), 0, c), caption));
    }
  }
  page.heading(is_convolution ? "Learned filters" : "What the first layer looks for")
      .paragraph(fmt::format("Weights of {} of its {} units: blue below 0, red above.",
                             std::min(all.size(0), (kMostFilters + channels - 1) / channels), all.size(0)))
      .images(pictures);
}

}  // namespace dagrad::tools
