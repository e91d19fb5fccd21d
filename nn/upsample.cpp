#include "dagrad/nn/upsample.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dagrad::nn {

std::string Upsample::describe() const {
  std::string text = "Upsample(";
  if (options.size) {
    text += "size=";
    for (int i = 0; i < options.size->count(); ++i) text += fmt::format("{}{}", i > 0 ? "x" : "", (*options.size)[i]);
  } else {
    text += fmt::format("scale_factor={}", fmt::join(options.scale_factor, "x"));
  }
  text += fmt::format(", mode={}", name_of(options.mode));
  if (options.align_corners) text += ", align_corners=true";
  if (options.recompute_scale_factor) text += ", recompute_scale_factor=true";
  return text + ")";
}

}  // namespace dagrad::nn
