// The scale of a chart's axis. Internal.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Takes values to positions between `from` and `to`, and knows where marks look well.
class Axis {
 public:
  /// Covers the finite values (only those above 0 on a logarithmic axis), up to round numbers.
  Axis(const std::vector<double>& values, bool logarithmic, double from, double to);
  /// Covers exactly [low, high].
  static Axis exactly(double low, double high, double from, double to);

  /// Whether `value` has a position.
  bool shows(double value) const;
  double position(double value) const;
  struct Mark {
    double position;
    std::string text;
  };
  std::vector<Mark> marks() const;

 private:
  Axis() = default;
  double scaled(double value) const;
  double low_ = 0, high_ = 1, from_ = 0, to_ = 1;  // low and high on the scale
  bool logarithmic_ = false;
  bool is_whole_ = false;  // all that is shown are whole numbers
};

}  // namespace dagrad::tools
