// Samples of cross_entropy and nll_loss, with their references by plain loops.
#pragma once

#include "op_table/loss_cases.h"

namespace dagrad::op_table {

enum class Target { labels, probabilities };

/// A sample of cross_entropy or nll_loss: its inputs are the logits, the target and, where it has them, the weights of
/// the samples. The weights of the classes are constants.
struct Setup {
  const char* name;
  Shape logits;
  Reduction reduction = Reduction::mean;
  double smoothing = 0;
  bool class_weights = false, ignores = false, sample_weights = false;
};

/// Logits as [outer, classes, inner].
struct Geometry {
  std::int64_t classes, inner, rows;
  Shape samples;

  explicit Geometry(const Shape& logits) : samples(logits) {
    const int axis = logits.rank() == 1 ? 0 : 1;
    classes = logits[axis];
    samples.erase(axis);
    rows = count_of(samples);
    inner = 1;
    for (int i = axis + 1; i < logits.rank(); ++i) inner *= logits[i];
  }
  std::int64_t at(std::int64_t row, std::int64_t c) const { return (row / inner * classes + c) * inner + row % inner; }
};

inline constexpr std::int64_t kIgnored = -1;

/// The weights of the classes, as constants; undefined without.
Tensor class_weights(const Setup& s, DType dtype);
/// The target's distribution in a row, weighed.
std::vector<double> distribution(const Setup& s, Target kind, const Array& target, std::int64_t row);
/// The loss, or without `softmax` that of logits that are log-probabilities.
Array cross_entropy_reference(const Setup& s, Target kind, std::span<const Array> in, bool softmax = true);
/// What diff_dst becomes for each row.
Array diff_of_rows(const Setup& s, Target kind, const Array& diff, const Array& target);
/// diff (Q p - q), or with absolute values |diff| (Q p + q). Inputs: diff_dst, logits, target.
Array cross_entropy_gradient(const Setup& s, Target kind, std::span<const Array> in, bool terms);

/// The sample of cross_entropy.
Sample cross_entropy_sample(const Setup& s, Target kind);

/// All kinds; and those that a gradient by the weights of samples goes with.
const std::vector<Setup>& setups();
const std::vector<Setup>& weighted_setups();
const Setup& setup_named(const std::string& name);
std::vector<Benchmark> class_benchmarks(const std::function<Sample(const Setup&)>& make);

/// Class indices.
Tensor labels_of(std::initializer_list<double> values);

}  // namespace dagrad::op_table
