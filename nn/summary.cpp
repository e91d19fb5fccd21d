#include "dagrad/nn/summary.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad::nn {
namespace {

std::string grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

}  // namespace

std::string summary(Module& module, const Shape& input, DType dtype) {
  struct Row {
    std::string name, layer, shape, parameters;
  };
  std::unordered_map<Module*, Shape> results;
  {
    const NoGrad guard;
    std::vector<std::pair<Module*, bool>> modes;
    for (const auto& [name, part] : module.named_modules()) modes.emplace_back(part, part->is_training());
    module.eval();
    const ForwardObserver watch(
        [&](Module& part, const Tensor&, const Tensor& result) { results[&part] = result.shape(); });
    module(zeros(input, dtype));
    for (const auto& [part, training] : modes) part->train(training);
  }
  std::vector<Row> rows{{"name", "layer", "output", "parameters"}};
  for (const auto& [name, part] : module.named_modules()) {
    if (name.empty()) continue;
    const auto result = results.find(part);
    rows.push_back({name, part->describe(), result == results.end() ? "-" : result->second.str(),
                    grouped(part->parameter_count())});
  }
  std::size_t widths[3] = {0, 0, 0};
  for (const Row& row : rows) {
    widths[0] = std::max(widths[0], row.name.size());
    widths[1] = std::max(widths[1], row.layer.size());
    widths[2] = std::max(widths[2], row.shape.size());
  }
  std::string out;
  for (const Row& row : rows) {
    out += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>12}\n", row.name, widths[0], row.layer, widths[1], row.shape,
                       widths[2], row.parameters);
    if (&row == &rows.front()) out += std::string(widths[0] + widths[1] + widths[2] + 18, '-') + "\n";
  }
  std::int64_t trained = 0;
  for (const Tensor& p : module.parameters()) trained += p.requires_grad() ? p.numel() : 0;
  return out + fmt::format("input {}; {} parameters, {} of them trained\n", input.str(),
                           grouped(module.parameter_count()), grouped(trained));
}

}  // namespace dagrad::nn
