// By reduction to diagonals, sums, permutations and matmul. The axes of `...` get digits for labels, counted from the
// last, so that all labels are characters and a list of axes is a string.
#include "dagrad/ops/einsum.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/diagonal.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The labels of the axes of `...`.
std::string ellipsis_of(int rank) {
  std::string labels;
  for (int i = rank - 1; i >= 0; --i) labels.push_back(static_cast<char>('0' + i));
  return labels;
}

/// The place of a label in a table of all of them.
std::size_t place_of(char label) { return static_cast<unsigned char>(label); }

std::string shown(char label) { return is_letter(label) ? std::string(1, label) : "..."; }

struct Operand {
  Tensor tensor;
  std::string labels;
};

/// A call of einsum: what its messages and its contractions look up.
class Einsum {
 public:
  Einsum(std::string_view subscripts, const std::vector<Tensor>& tensors, Location where) : where_(where) {
    for (const char c : subscripts) {
      if (c != ' ') text_.push_back(c);
    }
    parse(tensors);
    check_types();
    check_sizes();
  }

  Tensor run() {
    for (Operand& operand : operands_) simplify(operand);
    for (std::size_t i = 0; i < operands_.size(); ++i) sum_away(i);
    while (operands_.size() > 1) {
      const auto [i, j] = next_pair();
      Operand product = contract(operands_[i], operands_[j], kept_without(i, j));
      operands_.erase(operands_.begin() + static_cast<std::ptrdiff_t>(j));
      operands_[i] = std::move(product);
    }
    return in_order(operands_[0], output_);
  }

 private:
  [[noreturn]] static void fail(const std::string& message) { throw ShapeError("einsum: " + message); }

  // --- reading the subscripts ---

  void parse(const std::vector<Tensor>& tensors) {
    const std::size_t arrow = text_.find("->");
    std::vector<std::string> terms{""};
    for (const char c : text_.substr(0, arrow)) {
      if (c == ',')
        terms.emplace_back();
      else
        terms.back().push_back(c);
    }
    if (terms.size() != tensors.size())
      fail(fmt::format("'{}' has {} terms for {} operands (want one each)", text_, terms.size(), tensors.size()));
    int widest = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      operands_.push_back({tensors[i], labels_of(terms[i], i, tensors[i])});
      widest = std::max(widest, static_cast<int>(std::count_if(operands_[i].labels.begin(), operands_[i].labels.end(),
                                                               [](char c) { return !is_letter(c); })));
    }
    if (arrow == std::string::npos)
      output_ = implicit_output(widest);
    else
      output_ = expanded(text_.substr(arrow + 2), widest);
    check_output();
  }

  /// `term` with digits in place of `...`.
  std::string expanded(const std::string& term, int ellipsis_rank) const {
    const std::size_t dots = term.find("...");
    std::string labels = term;
    if (dots != std::string::npos) labels.erase(dots, 3);
    for (const char c : labels) {
      if (!is_letter(c)) fail(fmt::format("'{}' in '{}' (want letters, '...', ',' and '->')", c, text_));
    }
    if (dots != std::string::npos) labels.insert(dots, ellipsis_of(ellipsis_rank));
    return labels;
  }

  std::string labels_of(const std::string& term, std::size_t i, const Tensor& tensor) const {
    const bool open = term.find("...") != std::string::npos;
    const int named = static_cast<int>(term.size()) - (open ? 3 : 0);
    std::string labels = expanded(term, std::max(tensor.dim() - named, 0));
    if (tensor.dim() < named || (!open && tensor.dim() > named)) {
      fail(fmt::format("'{}' of '{}' for operand {}, which is {} (want {}{} dimensions)", term, text_, i,
                       tensor.shape().str(), open ? "at least " : "", named));
    }
    return labels;
  }

  std::string implicit_output(int ellipsis_rank) const {
    std::string all, once;
    for (const Operand& operand : operands_) all += operand.labels;
    std::sort(all.begin(), all.end());
    for (const char c : all) {
      if (is_letter(c) && std::count(all.begin(), all.end(), c) == 1) once.push_back(c);
    }
    return ellipsis_of(ellipsis_rank) + once;
  }

  void check_output() const {
    for (const char c : output_) {
      const auto knows = [c](const Operand& operand) { return has(operand.labels, c); };
      if (std::none_of(operands_.begin(), operands_.end(), knows))
        fail(fmt::format("'{}' in the result of '{}' (want labels of the operands)", shown(c), text_));
      if (std::count(output_.begin(), output_.end(), c) > 1)
        fail(fmt::format("'{}' stands twice in the result of '{}' (want each label once)", shown(c), text_));
    }
  }

  void check_types() const {
    for (std::size_t i = 1; i < operands_.size(); ++i) {
      const DType first = operands_[0].tensor.dtype(), other = operands_[i].tensor.dtype();
      if (first != other) {
        throw DTypeError(
            fmt::format("einsum: element types differ in '{}': operand 0 is {}, operand {} is {} (want one type; "
                        "cast with to())",
                        text_, name_of(first), i, name_of(other)));
      }
      if (!is_floating(first))
        throw DTypeError(fmt::format("einsum: '{}' of {} (want f32, bf16 or f64)", text_, name_of(first)));
    }
  }

  void check_sizes() {
    std::array<std::size_t, 128> owner{};
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const Operand& operand = operands_[i];
      for (std::size_t k = 0; k < operand.labels.size(); ++k) {
        const char label = operand.labels[k];
        const std::int64_t found = operand.tensor.shape()[static_cast<int>(k)];
        std::int64_t& size = size_of(label);
        const std::size_t first = operand.labels.find(label);
        const std::int64_t beside = operand.tensor.shape()[static_cast<int>(first)];
        if (beside != found) {
          fail(fmt::format("'{}' of '{}' is both {} and {} in operand {}, which is {} (want one size)", shown(label),
                           text_, beside, found, i, operand.tensor.shape().str()));
        }
        if (size != -1 && size != 1 && found != 1 && size != found) {
          fail(fmt::format("'{}' of '{}' is {} in operand {} and {} in operand {} (want one size, or 1)", shown(label),
                           text_, size, owner[place_of(label)], found, i));
        }
        if (size == -1 || size == 1) {
          size = found;
          owner[place_of(label)] = i;
        }
      }
    }
  }

  // --- computing ---

  std::int64_t& size_of(char label) { return sizes_[place_of(label)]; }
  std::int64_t size_of(const std::string& labels) {
    std::int64_t size = 1;
    for (const char label : labels) size *= size_of(label);
    return size;
  }

  /// Takes diagonals where a label repeats, and drops axes of size 1 that only broadcast.
  void simplify(Operand& operand) {
    for (std::size_t i = 0; i < operand.labels.size();) {
      const char label = operand.labels[i];
      const std::size_t again = operand.labels.find(label, i + 1);
      if (again != std::string::npos) {
        operand.tensor =
            diagonal(operand.tensor, 0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(again), where_);
        operand.labels.erase(again, 1);
        operand.labels.erase(i, 1);
        operand.labels.push_back(label);
      } else if (size_of(label) != 1 && operand.tensor.shape()[static_cast<int>(i)] == 1) {
        operand.tensor = squeeze(operand.tensor, static_cast<std::int64_t>(i), where_);
        operand.labels.erase(i, 1);
      } else {
        ++i;
      }
    }
  }

  /// The labels that must outlive the product of operands i and j.
  std::string kept_without(std::size_t i, std::size_t j) const {
    std::string kept = output_;
    for (std::size_t k = 0; k < operands_.size(); ++k) {
      if (k != i && k != j) kept += operands_[k].labels;
    }
    return kept;
  }

  /// Sums over the labels of operand i that nothing else mentions.
  void sum_away(std::size_t i) {
    Operand& operand = operands_[i];
    const std::string kept = kept_without(i, i);
    Axes axes;
    std::string labels;
    for (std::size_t k = 0; k < operand.labels.size(); ++k) {
      if (has(kept, operand.labels[k]))
        labels.push_back(operand.labels[k]);
      else
        axes.push_back(static_cast<std::int64_t>(k));
    }
    if (axes.empty()) return;
    operand.tensor = sum(operand.tensor, axes, false, where_);
    operand.labels = std::move(labels);
  }

  /// The pair whose product adds the fewest elements to what there is (the greedy order of opt_einsum).
  std::pair<std::size_t, std::size_t> next_pair() {
    std::pair<std::size_t, std::size_t> best{0, 1};
    double fewest = 0;
    for (std::size_t i = 0; i < operands_.size() && operands_.size() > 2; ++i) {
      for (std::size_t j = i + 1; j < operands_.size(); ++j) {
        const std::string kept = kept_without(i, j);
        std::string seen;
        double size = 1;
        for (const char c : operands_[i].labels + operands_[j].labels) {
          if (has(kept, c) && !has(seen, c)) size *= static_cast<double>(size_of(c));
          seen.push_back(c);
        }
        const double added =
            size - static_cast<double>(operands_[i].tensor.numel()) - static_cast<double>(operands_[j].tensor.numel());
        if ((i == 0 && j == 1) || added < fewest) {
          fewest = added;
          best = {i, j};
        }
      }
    }
    return best;
  }

  Tensor in_order(const Operand& operand, const std::string& labels) const {
    if (labels == operand.labels) return operand.tensor;
    std::vector<std::int64_t> axes;
    for (const char label : labels) axes.push_back(static_cast<std::int64_t>(operand.labels.find(label)));
    return permute(operand.tensor, axes, where_);
  }

  Shape shape_of(const std::string& labels) {
    if (labels.size() > kMaxRank) {
      fail(fmt::format("'{}' needs an intermediate result of {} dimensions (want at most {})", text_, labels.size(),
                       kMaxRank));
    }
    Shape shape;
    for (const char label : labels) shape.push_back(size_of(label));
    return shape;
  }

  Operand contract(const Operand& a, const Operand& b, const std::string& kept) {
    std::string batch, inner, rows, columns;
    for (const char c : a.labels) {
      if (!has(b.labels, c))
        rows.push_back(c);
      else
        (has(kept, c) ? batch : inner).push_back(c);
    }
    for (const char c : b.labels) {
      if (!has(a.labels, c)) columns.push_back(c);
    }
    if (inner.empty()) return multiply(a, b, batch + rows + columns);
    if (rows.empty() && columns.empty() && a.tensor.dtype() != bf16) {
      // Rows of scalar products, for which oneDNN has nothing fast. (bf16 would round each of their terms.)
      return {sum(mul(in_order(a, batch + inner), in_order(b, batch + inner), where_), last_axes(batch, inner), false,
                  where_),
              batch};
    }
    const std::string labels = batch + rows + columns;
    const Shape shape = shape_of(labels);
    // Batches stay apart, so that nothing is copied to bring them in line.
    Shape shape_a = batch.size() + 2 <= kMaxRank ? shape_of(batch) : Shape{size_of(batch)}, shape_b = shape_a;
    shape_a.push_back(size_of(rows));
    shape_a.push_back(size_of(inner));
    shape_b.push_back(size_of(inner));
    shape_b.push_back(size_of(columns));
    const Tensor product = matmul(reshape(in_order(a, batch + rows + inner), shape_a, where_),
                                  reshape(in_order(b, batch + inner + columns), shape_b, where_), where_);
    return {reshape(product, shape, where_), labels};
  }

  static Axes last_axes(const std::string& first, const std::string& last) {
    Axes axes;
    for (std::size_t i = 0; i < last.size(); ++i) axes.push_back(static_cast<std::int64_t>(first.size() + i));
    return axes;
  }

  /// The product without a sum, in the order of the result as far as that goes.
  Operand multiply(const Operand& a, const Operand& b, std::string labels) {
    std::stable_sort(labels.begin(), labels.end(), [&](char x, char y) { return output_.find(x) < output_.find(y); });
    shape_of(labels);
    return {mul(spread(a, labels), spread(b, labels), where_), labels};
  }

  /// The operand with the axes `labels`, of size 1 where it has none.
  Tensor spread(const Operand& operand, const std::string& labels) {
    std::string own;
    for (const char label : labels) {
      if (has(operand.labels, label)) own.push_back(label);
    }
    Shape shape = shape_of(labels);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!has(operand.labels, labels[i])) shape[static_cast<int>(i)] = 1;
    }
    return reshape(in_order(operand, own), shape, where_);
  }

  std::string text_;  // the subscripts without spaces
  Location where_;
  std::vector<Operand> operands_;
  std::string output_;
  std::array<std::int64_t, 128> sizes_ = [] {
    std::array<std::int64_t, 128> unknown;
    unknown.fill(-1);
    return unknown;
  }();
};

}  // namespace

Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& operands, Location where) {
  if (operands.empty()) throw UsageError("einsum: no operands (want at least one)");
  return Einsum(subscripts, operands, where).run();
}

}  // namespace dagrad
