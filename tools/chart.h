// Charts as inline SVG, in the colours of the page around them (light or dark).
//
// They are drawn here because what Debian's plotting programs write has fixed colours and fonts: it stays white on a
// dark page, and would make a plotting program a dependency of every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dagrad::tools {

/// A line through points, or points alone.
struct Series {
  std::string name;
  std::vector<double> x, y;  ///< of one length; what is not finite interrupts the line
  bool points = false;
};
/// A series over 1, 2, 3, ...
Series counted(std::string name, std::vector<double> y);

struct ChartOptions {
  std::string title;
  std::string x_label = "";
  std::string y_label = "";
  bool log_x = false, log_y = false;  ///< values of 0 or less are left out
};

std::string line_chart(const ChartOptions& options, const std::vector<Series>& series);

/// Counts of values between equally spaced edges.
struct Histogram {
  std::string name;
  double low = 0, high = 0;
  std::vector<double> counts;
};
Histogram histogram(std::string name, const std::vector<double>& values, double low, double high, int bins = 60);
/// One row for each, drawn as a density over a shared axis: layers, or moments in time.
std::string density_rows(const ChartOptions& options, const std::vector<Histogram>& rows);

/// A function over a rectangle, given at the centres of equal cells, row by row from the top.
struct Field {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  std::int64_t columns = 0, rows = 0;
  std::vector<double> values;
  bool classes = false;  ///< values are the numbers of series, in whose colours they are shown
};
/// The field from blue (low) over paper to red (high), with series on top of it.
std::string field_chart(const ChartOptions& options, const Field& field, const std::vector<Series>& over = {});

/// Bars under names, longest name first to the left; for shares and times.
struct Bar {
  std::string name;
  double value = 0;
  std::string note = "";
};
std::string bar_chart(const ChartOptions& options, const std::vector<Bar>& bars);

/// Text with what HTML would take for markup made harmless.
std::string escape(const std::string& text);

}  // namespace dagrad::tools
