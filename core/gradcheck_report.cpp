// How a result of gradcheck reads.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/gradcheck.h"

namespace dagrad {
namespace {

using Line = std::vector<std::string>;

/// Columns as wide as their widest cell, two spaces apart.
std::string table(const std::vector<Line>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Line& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) row += fmt::format("  {:<{}}", line[i], widths[i]);
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

/// What often stands behind such a pair of values.
std::string remark(const GradcheckElement& worst) {
  if (worst.verdict == GradcheckVerdict::cannot_tell) {
    if (std::isnan(worst.numeric)) return "no finite values nearby";
    return "numeric value uncertain: kink, jump or noise?";
  }
  if (worst.verdict == GradcheckVerdict::right) return "";
  if (!std::isfinite(worst.analytic)) return "not finite";
  if (worst.analytic == 0) return "missing";
  if (std::abs(worst.numeric) <= worst.error) return "should be zero";
  return fmt::format("analytic = {:.6g} x numeric", worst.analytic / worst.numeric);
}

}  // namespace

std::string_view name_of(GradcheckVerdict verdict) {
  switch (verdict) {
    case GradcheckVerdict::right: return "right";
    case GradcheckVerdict::cannot_tell: return "cannot tell";
    case GradcheckVerdict::wrong: return "wrong";
  }
  return "?";
}

std::string GradcheckResult::report() const {
  std::int64_t right = 0, wrong = 0, cannot_tell = 0;
  for (const GradcheckInput& input : inputs) {
    right += input.right;
    wrong += input.wrong;
    cannot_tell += input.cannot_tell;
  }
  std::string text = fmt::format("{}: {} (derivatives: {} right, {} wrong, {} cannot tell)\n", name, name_of(verdict),
                                 right, wrong, cannot_tell);
  std::vector<Line> lines{{"by", "shape", "right", "wrong", "cannot tell", "worst at", "of", "analytic", "numeric",
                           "+-", "difference", "bound", "verdict", ""}};
  for (const GradcheckInput& input : inputs) {
    if (!input.worst) continue;
    const GradcheckElement& worst = *input.worst;
    const auto precise = [](double value) { return fmt::format("{:.10g}", value); };
    const auto rough = [](double value) { return fmt::format("{:.1e}", value); };
    lines.push_back({input.name, input.shape.str(), fmt::format("{}", input.right), fmt::format("{}", input.wrong),
                     fmt::format("{}", input.cannot_tell), worst.input_index.str(),
                     output_names[worst.output] + " " + worst.output_index.str(), precise(worst.analytic),
                     precise(worst.numeric), rough(worst.error), rough(worst.difference()), rough(worst.bound),
                     std::string(name_of(worst.verdict)), remark(worst)});
  }
  if (lines.size() > 1) text += table(lines);
  for (const GradcheckProblem& problem : problems)
    text += fmt::format("  {}: {}\n", name_of(problem.verdict), problem.text);
  return text;
}

}  // namespace dagrad
