#include "tools/chart.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

#include "tools/axis.h"
#include "tools/bitmap.h"

namespace dagrad::tools {
namespace {

// Narrow, so that 11 px letters are still read where a phone shrinks the chart to its width.
constexpr double kWidth = 420, kHeight = 270, kLeft = 56, kRight = 14, kTop = 44, kBottom = 42;
constexpr double kUnderSeries = 0.55;  // a field's colours are this strong where something is drawn over them
constexpr double kPlotRight = kWidth - kRight, kPlotBottom = kHeight - kBottom;

std::string begin(const ChartOptions& options, double height) {
  return fmt::format(R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">)", kWidth, height,
                     escape(options.title)) +
         fmt::format(R"(<text class="title" x="{}" y="14">{}</text>)", kLeft, escape(options.title));
}

std::string x_axis(const Axis& axis, const std::string& label, double top, double bottom) {
  std::string svg;
  for (const Axis::Mark& mark : axis.marks()) {
    svg += fmt::format(
        R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/><text x="{0:.1f}" y="{3:.1f}" text-anchor="middle">{4}</text>)",
        mark.position, top, bottom, bottom + 15, mark.text);
  }
  return svg + fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", (kLeft + kPlotRight) / 2,
                           bottom + 32, escape(label));
}

std::string y_axis(const Axis& axis, const std::string& label, double top, double bottom) {
  std::string svg;
  for (const Axis::Mark& mark : axis.marks()) {
    svg += fmt::format(
        R"(<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>)",
        kLeft, kPlotRight, mark.position, kLeft - 6, mark.position + 4, mark.text);
  }
  return svg + fmt::format(R"svg(<text transform="translate(12 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)svg",
                           (top + bottom) / 2, escape(label));
}

/// The class of a series: eight colours, and then the same dashed.
std::string class_of(std::size_t index) { return fmt::format("c{}{}", index % 8, index / 8 % 2 == 1 ? " again" : ""); }

/// About as wide as the text is in the page's font at 11 px.
double width_of(const std::string& text) {
  double width = 0;
  for (const char c : text) {
    const bool is_narrow = std::string_view("iljtfr.,:;|'!()[] ").find(c) != std::string_view::npos;
    const bool is_wide = std::string_view("mwMW").find(c) != std::string_view::npos;
    width += is_narrow ? 4.5 : is_wide ? 10.5 : 7;
  }
  return width;
}

/// The names of series, in as many lines as they take.
struct Legend {
  std::string svg;
  double extra = 0;  // height of the lines after the first
};

Legend legend(const std::vector<Series>& series) {
  constexpr double kLine = 16;
  Legend result;
  double x = kLeft;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].name.empty()) continue;
    const double width = 32 + width_of(series[i].name);
    if (x + width > kWidth && x > kLeft) {
      x = kLeft;
      result.extra += kLine;
    }
    result.svg += fmt::format(
        R"(<line class="{0}" x1="{1:.1f}" x2="{2:.1f}" y1="{3}" y2="{3}"/><text x="{4:.1f}" y="{5}">{6}</text>)",
        class_of(i), x, x + 16, 28 + result.extra, x + 20, 32 + result.extra, escape(series[i].name));
    x += width;
  }
  return result;
}

std::string drawn(const Series& series, std::size_t index, const Axis& x, const Axis& y) {
  std::string svg, path;
  bool pen_down = false;
  for (std::size_t i = 0; i < series.y.size(); ++i) {
    if (!x.shows(series.x[i]) || !y.shows(series.y[i])) {
      pen_down = false;
      continue;
    }
    // Far outside a fixed range numbers only have to be far outside.
    const double px = std::clamp(x.position(series.x[i]), -1e4, 1e4),
                 py = std::clamp(y.position(series.y[i]), -1e4, 1e4);
    if (series.points || series.y.size() == 1)
      svg += fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", class_of(index), px, py);
    else
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", px, py);
    pen_down = true;
  }
  return path.empty() ? svg : svg + fmt::format(R"(<path class="{}" d="{}"/>)", class_of(index), path);
}

}  // namespace

std::string escape(const std::string& text) {
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

Series counted(std::string name, std::vector<double> y) {
  Series series{std::move(name), {}, std::move(y)};
  for (std::size_t i = 0; i < series.y.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
  return series;
}

std::string line_chart(const ChartOptions& options, const std::vector<Series>& series) {
  std::vector<double> xs, ys;
  for (const Series& s : series) {
    xs.insert(xs.end(), s.x.begin(), s.x.end());
    ys.insert(ys.end(), s.y.begin(), s.y.end());
  }
  const Legend names = legend(series);
  const double top = kTop + names.extra, bottom = kPlotBottom + names.extra;
  const Axis x(xs, options.log_x, kLeft, kPlotRight), y(ys, options.log_y, bottom, top);
  std::string svg = begin(options, kHeight + names.extra) + names.svg + x_axis(x, options.x_label, top, bottom) +
                    y_axis(y, options.y_label, top, bottom);
  for (std::size_t i = 0; i < series.size(); ++i) svg += drawn(series[i], i, x, y);
  return svg + "</svg>";
}

Histogram histogram(std::string name, const std::vector<double>& values, double low, double high, int bins) {
  Histogram result{std::move(name), low, high, std::vector<double>(static_cast<std::size_t>(bins))};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const double at = (value - low) / (high - low) * bins;
    ++result.counts[static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(bins - 1)))];
  }
  return result;
}

std::string density_rows(const ChartOptions& options, const std::vector<Histogram>& rows) {
  constexpr double kRow = 34;
  double low = rows.empty() ? 0 : rows[0].low, high = rows.empty() ? 1 : rows[0].high;
  for (const Histogram& row : rows) {
    low = std::min(low, row.low);
    high = std::max(high, row.high);
  }
  const double bottom = 24 + kRow * static_cast<double>(rows.size());
  const Axis x = Axis::exactly(low, high, kLeft + 40, kPlotRight);
  std::string svg = begin(options, bottom + 42) + x_axis(x, options.x_label, 24, bottom);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Histogram& row = rows[i];
    const double base = 24 + kRow * static_cast<double>(i + 1),
                 width = (row.high - row.low) / static_cast<double>(row.counts.size());
    const double most = std::max(1e-300, *std::max_element(row.counts.begin(), row.counts.end()));
    std::string path = fmt::format("M{:.1f} {:.1f}", x.position(row.low), base);
    for (std::size_t k = 0; k < row.counts.size(); ++k) {
      const double y = base - (kRow - 4) * row.counts[k] / most;
      path += fmt::format("L{:.1f} {:.1f}L{:.1f} {:.1f}", x.position(row.low + width * static_cast<double>(k)), y,
                          x.position(row.low + width * static_cast<double>(k + 1)), y);
    }
    svg +=
        fmt::format(R"(<path class="area" d="{}L{:.1f} {:.1f}Z"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
                    path, x.position(row.high), base, kLeft + 34, base - 4, escape(row.name));
  }
  return svg + "</svg>";
}

std::string field_chart(const ChartOptions& options, const Field& field, const std::vector<Series>& over) {
  const auto [low, high] = std::minmax_element(field.values.begin(), field.values.end());
  const double strength = over.empty() ? 1 : kUnderSeries;
  std::vector<Pixel> pixels;
  for (const double value : field.values) {
    if (field.classes) {
      pixels.push_back(class_pixel(static_cast<std::size_t>(value)));
      continue;
    }
    const double share = *high > *low ? (value - *low) / (*high - *low) : 0.5;
    pixels.push_back(diverging_pixel(0.5 + strength * (share - 0.5)));
  }
  const Legend names = legend(over);
  const double top = kTop + names.extra, bottom = kPlotBottom + names.extra;
  const Axis x = Axis::exactly(field.x_low, field.x_high, kLeft, kPlotRight);
  const Axis y = Axis::exactly(field.y_low, field.y_high, bottom, top);
  static int charts = 0;
  const int id = charts++;
  // The axes' lines lie under the field.
  std::string svg = begin(options, kHeight + names.extra) + names.svg + x_axis(x, options.x_label, bottom, bottom) +
                    y_axis(y, options.y_label, top, bottom);
  svg += fmt::format(R"(<clipPath id="clip{}"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>)", id, kLeft, top,
                     kPlotRight - kLeft, bottom - top);
  svg += fmt::format(
      R"(<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none" style="image-rendering:pixelated" href="{}"/>)",
      kLeft, top, kPlotRight - kLeft, bottom - top, bitmap_address(pixels, field.columns, field.rows));
  svg += fmt::format("<g class=\"over\" clip-path=\"url(#clip{})\">", id);
  for (std::size_t i = 0; i < over.size(); ++i) svg += drawn(over[i], i, x, y);
  return svg + "</g></svg>";
}

std::string bar_chart(const ChartOptions& options, const std::vector<Bar>& bars) {
  constexpr double kRow = 20, kNames = 170;
  std::vector<double> values{0};
  for (const Bar& bar : bars) values.push_back(bar.value);
  const double bottom = 24 + kRow * static_cast<double>(bars.size());
  const Axis x(values, options.log_x, kNames, kPlotRight - 60);
  std::string svg = begin(options, bottom + 42) + x_axis(x, options.x_label, 24, bottom);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double top = 26 + kRow * static_cast<double>(i);
    const double length = x.shows(bars[i].value) ? std::max(0.0, x.position(bars[i].value) - kNames) : 0;
    svg += fmt::format(
        R"(<rect class="area" x="{}" y="{:.1f}" width="{:.1f}" height="{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text><text x="{:.1f}" y="{:.1f}">{}</text>)",
        kNames, top, length, kRow - 5, kNames - 6, top + 11, escape(bars[i].name), kNames + length + 5, top + 11,
        escape(bars[i].note));
  }
  return svg + "</svg>";
}

}  // namespace dagrad::tools
