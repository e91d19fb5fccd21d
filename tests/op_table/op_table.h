// The op table: each op once, with everything that its tests and its benchmark need to know.
//
// To add an op, add a Row to its family's file. From the row are generated: shape and type of the result; values in
// f64, f32, bf16 against an independent reference; NaN and infinities; gradcheck of both orders for every subset of
// inputs, and with one tensor passed twice; f32 gradients against f64; views as inputs; messages for bad input; edge
// cases; the same bits on any number of threads; the microbenchmarks. A test fails for an op that no row covers.
//
// Note [Bounds by roundings]. A result is compared within
//
//     roundings * u / (1 - roundings * u) * terms,    u = 2^-24 for f32, 2^-53 for f64,
//
// where `terms` is the sum of the absolute values of what is added up to make the element (|element| itself where
// nothing is added up), and `roundings` counts the roundings that such a term can go through: 1 for each + - * / and
// square root, n for a sum of n terms in any order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1
// and 4.2), 2 for each unit in the last place of a kernel that is not correctly rounded. For elementwise ops both
// follow from their formula: rounded.h adds up the errors as the formula is computed, and they stand as terms, with 1
// for roundings. oneDNN states no units for its functions: its tanh and logistic have to keep the bounds of Highway's.
// bf16 is computed in f32 and rounded once more: 2^-8 of the result on top, and 2^-8 of the terms wherever the op
// passes bf16 on between its kernels. Nothing in a bound is adjusted to what a kernel happens to give.
//
// Where errors pass from one element to the others (norms, recurrences, functions made of many ops) no row has to
// follow each of them: `by_largest` takes the largest element of a result in place of each element's own terms, a bound
// in the maximum norm, and `roundings` then counts those of the longest path, times the condition number where that is
// not near 1.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/error.h"
#include "dagrad/core/tensor.h"
#include "op_table/array.h"

namespace dagrad::op_table {

/// Where the elements of an input come from.
struct Domain {
  double low = -2, high = 2;
  double kink = 0, gap = 0;  // no element is nearer than gap to kink or to -kink
  bool integers = false;     // whole numbers from low to high,
  double shift = 0;          // and so much more
  bool distinct = false;     // a random permutation of equally spaced values
  bool operator==(const Domain&) const = default;
};

inline constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

inline constexpr Domain kAny{};
inline constexpr Domain kPositive{.low = 0.5, .high = 3};
inline constexpr Domain kAwayFromZero{.gap = 0.25};
inline constexpr Domain kDistinct{.distinct = true};

/// One input of a sample.
struct Input {
  Shape shape;
  Domain domain = kAny;
  std::optional<DType> dtype = {};  // of indices and masks, which need no gradient; else what the test computes in
};

/// The public function of the op on a sample's tensors.
using Call = std::function<std::vector<Tensor>(std::span<const Tensor>)>;
/// What it must give, by plain loops in f64.
using Reference = std::function<Arrays(std::span<const Array>)>;
struct Sample;
/// The sum of the absolute values of what makes each element of the results.
using Terms = std::function<Arrays(const Sample&, std::span<const Array> inputs)>;
/// The same of each element of the gradients, given diff_dst.
using GradientTerms = std::function<Arrays(const Sample&, std::span<const Array> inputs, std::span<const Array> diff)>;

/// Inputs to try an op on. What is not set is taken from the row. Samples with few elements are gradchecked.
struct Sample {
  std::string name;
  std::vector<Input> inputs;
  Call call = {};
  Reference reference = {};
  double roundings = -1;
  double gradient_roundings = -1;
  double bf16_roundings = -1;
  std::string inexact = "";  // why whole results of this one may be off by a rounding, where the row's are exact

  std::int64_t input_elements() const;
  /// Whether finite differences of every element are affordable.
  bool small() const { return input_elements() <= 150; }
};

/// A call that must throw.
struct Bad {
  std::string name;
  std::function<std::string()> run;  // what went wrong, or nothing
};

namespace detail {
std::string check_error(const std::function<void()>& action,
                        const std::function<bool(const std::exception&)>& right_kind, const std::string& message);
}  // namespace detail

/// A call that must throw exactly an E with exactly this message.
template <class E>
Bad bad(std::string name, std::function<void()> action, std::string message) {
  const auto is_e = [](const std::exception& error) { return dynamic_cast<const E*>(&error) != nullptr; };
  return {std::move(name), [action = std::move(action), message = std::move(message), is_e] {
            return detail::check_error(action, is_e, message);
          }};
}

/// Inputs at the border of the domain, with the one right answer.
struct Edge {
  std::string name;
  Arrays inputs;
  Arrays want;
  Arrays gradients = {};  // of each input, with diff_dst all 1; empty: not asked for
  Call call = {};         // else the row's
  bool repeat = true;     // in elementwise rows also repeated to a length at which the primitive takes over
};

/// A sample to measure.
struct Benchmark {
  Sample sample;
  double flops = 0;  // of the forward; 0: not counted
};

struct Row {
  std::string name;
  std::string formula;
  std::string shapes = "";               // for the op reference; empty: samples are shown
  std::string gradient = "";             // for the op reference; empty: the comment of the op's backward is taken
  std::string primitive = "";            // oneDNN's, for large f32 tensors; empty: own kernels alone
  std::vector<std::string> covers = {};  // the ops' own names where they differ from the row's
  bool composite = false;                // a function made of other ops, which stand in rows of their own
  Call call = {};
  Reference reference = {};

  double roundings = 0;
  Terms terms = {};           // empty: |result|
  double bf16_roundings = 0;  // of terms to bf16 between the kernels of the op
  double gradient_roundings = 0;
  GradientTerms gradient_terms = {};   // empty: |gradient|
  double bf16_gradient_roundings = 4;  // to bf16 between the ops of the gradient, of its largest element

  int orders = 2;                                // how often it can be differentiated; 2 stands for any number
  std::string no_gradcheck = "";                 // why finite differences cannot tell anything
  std::string nonfinite = "";                    // why what they give is not compared between the types
  std::string no_empty = "";                     // why it has no sample or edge case of no elements
  bool elementwise = false;                      // edge cases are repeated to reach the primitive
  bool exact_on_integers = false;                // small whole numbers give the same in every type
  std::string inexact = "";                      // why results that are whole may be off by a rounding all the same
  bool takes_i64 = false, takes_bf16 = true;     //
  std::function<DType(DType)> result_type = {};  // from the inputs' type; empty: the same
  double nonzero_gradients = 0.3;                // at least this share, or nothing was tested

  std::vector<Sample> samples = {};
  std::vector<Bad> bad = {};
  std::vector<Edge> edges = {};
  std::vector<Benchmark> benchmarks = {};

  /// The names in op_names() that it stands for.
  std::vector<std::string> covered() const {
    return covers.empty() && !composite ? std::vector<std::string>{name} : covers;
  }
};

/// Every row; samples and edges are complete.
const std::vector<Row>& rows();

// The families, in the order of ops/.
std::vector<Row> gradient_rows();
std::vector<Row> elementwise_rows();
std::vector<Row> math_rows();
std::vector<Row> arithmetic_rows();
std::vector<Row> number_rows();
std::vector<Row> trigonometry_rows();
std::vector<Row> special_rows();
std::vector<Row> activation_rows();
std::vector<Row> comparison_rows();
std::vector<Row> reduction_rows();
std::vector<Row> view_rows();
std::vector<Row> split_rows();
std::vector<Row> copy_rows();
std::vector<Row> matmul_rows();
std::vector<Row> softmax_rows();
std::vector<Row> dropout_rows();
std::vector<Row> extremum_rows();
std::vector<Row> statistics_rows();
std::vector<Row> scan_rows();
std::vector<Row> order_rows();
std::vector<Row> arrangement_rows();
std::vector<Row> product_rows();
std::vector<Row> diagonal_rows();
std::vector<Row> indexing_rows();
std::vector<Row> loss_rows();
std::vector<Row> normalization_rows();
std::vector<Row> convolution_rows();
std::vector<Row> pooling_rows();
std::vector<Row> recurrent_rows();
std::vector<Row> attention_rows();
std::vector<Row> fused_rows();

// --- pieces that rows are made of ---

/// f(inputs...) for a function of one, two or three tensors.
Call call1(Tensor (*f)(const Tensor&, Location));
Call call2(Tensor (*f)(const Tensor&, const Tensor&, Location));

/// The gradient with respect to input `input` of `call`, as a function of diff_dst and of call's inputs.
Call gradient_of(Call call, std::size_t input);

/// The terms of sums of products: the result, or the gradients, at the absolute values of the inputs (and of
/// diff_dst).
Arrays at_absolute_values(const Sample& sample, std::span<const Array> inputs);
Arrays gradients_at_absolute_values(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff);

/// Terms for a bound in the maximum norm: the largest finite element of each result, or of each gradient, everywhere.
Arrays by_largest(const Sample& sample, std::span<const Array> inputs);
Arrays gradients_by_largest(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff);

/// How many terms a gradient adds up where an input was broadcast: the largest ratio of result to input.
double broadcast_terms(const std::vector<Input>& inputs);

/// Tensors from literals, for bad samples.
Tensor zeros_of(const Shape& shape, DType dtype = f32);

}  // namespace dagrad::op_table
