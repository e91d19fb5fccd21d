#include "dagrad/core/print.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <ostream>
#include <vector>

#include "dagrad/core/node.h"

namespace dagrad {
namespace {

/// The positions along an axis that are shown; -1 stands for "...".
std::vector<std::int64_t> shown_positions(std::int64_t size, bool summarise, std::int64_t edge) {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < size; ++i) {
    if (!summarise || size <= 2 * edge || i < edge || i >= size - edge)
      positions.push_back(i);
    else if (i == edge)
      positions.push_back(-1);
  }
  return positions;
}

/// How the elements of one tensor are written: all alike.
class Format {
 public:
  Format(const std::vector<double>& values, DType dtype, int precision) : dtype_(dtype), precision_(precision) {
    if (is_floating(dtype)) {
      choose_notation(values);
      drop_zeros(values);
    }
    for (const double value : values) width_ = std::max(width_, write(value).size());
  }
  std::string operator()(double value) const { return fmt::format("{:>{}}", write(value), width_); }
  std::size_t width() const { return width_; }

 private:
  std::string write(double value) const {
    if (dtype_ == boolean) return value != 0 ? "true" : "false";
    if (!is_floating(dtype_)) return std::to_string(static_cast<std::int64_t>(value));
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (scientific_) return fmt::format("{:.{}e}", value, digits_);
    return fmt::format("{:#.{}f}", value, digits_);
  }

  void choose_notation(const std::vector<double>& values) {
    double largest = 0, smallest = INFINITY;
    for (const double value : values) {
      const double size = std::abs(value);
      if (!std::isfinite(size) || size == 0) continue;
      largest = std::max(largest, size);
      smallest = std::min(smallest, size);
    }
    scientific_ = largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
  }

  /// Keeps only as many digits as some element needs.
  void drop_zeros(const std::vector<double>& values) {
    digits_ = precision_;
    const auto needed = [&](int digits) {
      for (const double value : values) {
        if (!std::isfinite(value)) continue;
        const auto text = [&](int d) {
          return scientific_ ? fmt::format("{:.{}e}", value, d) : fmt::format("{:.{}f}", value, d);
        };
        if (std::stod(text(digits)) != std::stod(text(precision_))) return true;
      }
      return false;
    };
    while (digits_ > 0 && !needed(digits_ - 1)) --digits_;
  }

  DType dtype_;
  int precision_;
  int digits_ = 0;
  bool scientific_ = false;
  std::size_t width_ = 0;
};

class Printer {
 public:
  Printer(const Tensor& t, const PrintOptions& options)
      : t_(t), options_(options), summarise_(t.numel() > options.threshold) {}

  std::string run() {
    if (t_.numel() == 0) return "[]";
    std::vector<double> values;
    collect(0, t_.offset(), values);
    const Format format(values, t_.dtype(), options_.precision);
    std::string out;
    print(out, 0, t_.offset(), format);
    return out;
  }

 private:
  double element(std::int64_t offset) const {
    return visit_dtype(t_.dtype(),
                       [&]<class T>(T) { return convert_to<double>(*(t_.data<T>() + (offset - t_.offset()))); });
  }
  std::vector<std::int64_t> positions(int axis) const {
    return shown_positions(t_.shape()[axis], summarise_, options_.edge);
  }

  void collect(int axis, std::int64_t offset, std::vector<double>& values) const {
    if (axis == t_.dim()) {
      values.push_back(element(offset));
      return;
    }
    for (const std::int64_t i : positions(axis)) {
      if (i >= 0) collect(axis + 1, offset + i * t_.strides()[axis], values);
    }
  }

  void print(std::string& out, int axis, std::int64_t offset, const Format& format) const {
    if (axis == t_.dim()) {
      out += format(element(offset));
      return;
    }
    const bool last = axis == t_.dim() - 1;
    const std::string indent(static_cast<std::size_t>(axis) + 1, ' ');
    out += "[";
    std::size_t column = static_cast<std::size_t>(axis) + 1;
    bool first = true;
    for (const std::int64_t i : positions(axis)) {
      if (last) {
        const std::size_t width = i < 0 ? 3 : format.width();
        if (!first) {
          out += ",";
          const bool wrap = column + width + 2 > static_cast<std::size_t>(options_.width);
          out += wrap ? "\n" + indent : " ";
          column = wrap ? indent.size() : column + 2;
        }
        column += width;
      } else if (!first) {
        out += ",";
        out += std::string(static_cast<std::size_t>(t_.dim() - 1 - axis), '\n') + indent;
      }
      first = false;
      if (i < 0)
        out += "...";
      else
        print(out, axis + 1, offset + i * t_.strides()[axis], format);
    }
    out += "]";
  }

  const Tensor& t_;
  const PrintOptions& options_;
  bool summarise_;
};

}  // namespace

std::string to_string(const Tensor& t, const PrintOptions& options) {
  if (!t.defined()) return "undefined tensor";
  std::string out = Printer(t, options).run();
  if (!options.type) return out;
  out += fmt::format("  {} {}", t.shape().str(), name_of(t.dtype()));
  if (t.requires_grad()) out += t.is_leaf() ? " requires_grad" : fmt::format(" ({})", t.node()->name());
  return out;
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << to_string(t); }
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

}  // namespace dagrad
