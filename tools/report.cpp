#include "tools/report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

namespace dagrad::tools {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #8b949e; --line: #d0d7de; --paper: #ffffff; --a: #0969da; --b: #bc4c00; --cell: 9, 105, 218; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #8b949e; --line: #30363d; --paper: #0d1117; --a: #58a6ff; --b: #f0883e; --cell: 88, 166, 255; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.big { font-size: 2.2rem; font-weight: 600; } .faint { color: var(--faint); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.5rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
.axis { stroke: var(--line); } .a { stroke: var(--a); } .b { stroke: var(--b); } .curve { fill: none; stroke-width: 2; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .2rem .55rem; text-align: right; font-weight: normal; } th { color: var(--faint); }
.options td { text-align: left; border-bottom: 1px solid var(--line); }
)";

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '&': result += "&amp;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

struct Curve {
  std::string name, style;
  std::vector<double> values;  // one an epoch
};

/// A line chart over the epochs, with its own scale from `low` to `high`.
std::string chart(const std::string& title, const std::vector<Curve>& curves, double low, double high) {
  constexpr double kWidth = 360, kHeight = 220, kLeft = 44, kBottom = 28, kTop = 26, kRight = 10;
  const std::size_t epochs = curves[0].values.size();
  const auto x = [&](std::size_t i) {
    return kLeft +
           (kWidth - kLeft - kRight) * (epochs < 2 ? 0.5 : static_cast<double>(i) / static_cast<double>(epochs - 1));
  };
  const auto y = [&](double v) { return kTop + (kHeight - kTop - kBottom) * (1 - (v - low) / (high - low)); };
  std::string svg =
      fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth, kHeight, escape(title));
  for (int i = 0; i <= 4; ++i) {
    const double value = low + (high - low) * i / 4;
    svg += fmt::format(
        R"(<line class="axis" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{5:.3g}</text>)",
        kLeft, kWidth - kRight, y(value), kLeft - 6, y(value) + 4, value);
  }
  svg += fmt::format(R"(<text x="{}" y="{}">epoch 1</text><text x="{}" y="{}" text-anchor="end">{}</text>)", kLeft,
                     kHeight - 8, kWidth - kRight, kHeight - 8, epochs);
  double legend = kLeft;
  for (const Curve& curve : curves) {
    std::string points;
    for (std::size_t i = 0; i < epochs; ++i)
      points += fmt::format("{:.1f},{:.1f} ", x(i), y(std::clamp(curve.values[i], low, high)));
    svg += fmt::format(R"(<polyline class="curve {}" points="{}"/>)", curve.style, points);
    if (epochs == 1)
      svg += fmt::format(R"(<circle class="curve {}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", curve.style, x(0),
                         y(curve.values[0]));
    svg += fmt::format(R"(<line class="curve {}" x1="{}" x2="{}" y1="10" y2="10"/><text x="{}" y="14">{}</text>)",
                       curve.style, legend, legend + 16, legend + 20, escape(curve.name));
    legend += 36 + 6.5 * static_cast<double>(curve.name.size());
  }
  return svg + "</svg>";
}

std::string curves(const TrainingResult& result) {
  Curve loss{"training loss", "a", {}}, accuracy{"training accuracy", "a", {}}, held_loss{"validation loss", "b", {}},
      held_accuracy{"validation accuracy", "b", {}};
  for (const EpochResult& epoch : result.epochs) {
    loss.values.push_back(epoch.train.loss);
    accuracy.values.push_back(epoch.train.accuracy);
    if (!epoch.validation) continue;
    held_loss.values.push_back(epoch.validation->loss);
    held_accuracy.values.push_back(epoch.validation->accuracy);
  }
  std::vector<Curve> losses{loss}, accuracies{accuracy};
  if (!held_loss.values.empty()) {
    losses.push_back(held_loss);
    accuracies.push_back(held_accuracy);
  }
  double highest = 0, lowest = 1;
  for (const Curve& curve : losses)
    highest = std::max(highest, *std::max_element(curve.values.begin(), curve.values.end()));
  for (const Curve& curve : accuracies)
    lowest = std::min(lowest, *std::min_element(curve.values.begin(), curve.values.end()));
  return "<div class=\"charts\">" + chart("loss", losses, 0, std::max(highest, 1e-9)) +
         chart("accuracy", accuracies, std::floor(lowest * 10 - 0.5) / 10, 1) + "</div>";
}

std::string confusion(const TrainingResult& result) {
  std::string html =
      "<h2>Taken for</h2><p class=\"faint\">Rows: what the image is. Columns: what the model says.</p><div "
      "class=\"scroll\"><table><tr><th></th>";
  for (std::int64_t c = 0; c < result.classes; ++c) html += fmt::format("<th>{}</th>", c);
  html += "</tr>";
  for (std::int64_t r = 0; r < result.classes; ++r) {
    std::int64_t total = 0;
    for (std::int64_t c = 0; c < result.classes; ++c)
      total += result.confusion[static_cast<std::size_t>(r * result.classes + c)];
    html += fmt::format("<tr><th>{}</th>", r);
    for (std::int64_t c = 0; c < result.classes; ++c) {
      const std::int64_t count = result.confusion[static_cast<std::size_t>(r * result.classes + c)];
      const double share = total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
      html += fmt::format("<td style=\"background: rgba(var(--cell), {:.2f})\">{}</td>", 0.6 * std::sqrt(share),
                          count == 0 ? std::string() : std::to_string(count));
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

std::string options_table(const TrainOptions& options) {
  std::string html = "<h2>Options</h2><div class=\"scroll\"><table class=\"options\">";
  for (const auto& [name, value] : options.listed())
    html += fmt::format("<tr><td>{}</td><td>{}</td></tr>", escape(name), escape(value));
  return html + "</table></div>";
}

}  // namespace

std::string report_page(const TrainOptions& options, const TrainingResult& result, const data::Split& data) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">"
      "<title>dagrad: training report</title><style>";
  html += kStyle;
  html += "</style></head><body><h1>dagrad: training on " + escape(options.dataset) + "</h1>";
  html += fmt::format(
      "<p class=\"big\">{:.2f}% <span class=\"faint\" style=\"font-size: 1rem\">of {} test images{}</span></p>",
      100 * result.test.accuracy, data.test.size(), result.interrupted ? ", interrupted" : "");
  html += fmt::format("<p class=\"faint\">test loss {:.4f}; {} parameters; {} training images; {:.1f} seconds</p>",
                      result.test.loss, result.parameters, data.train.size(), result.seconds);
  if (!result.epochs.empty()) html += curves(result);
  return html + confusion(result) + options_table(options) + "</body></html>\n";
}

}  // namespace dagrad::tools
