// Checking gradients against finite differences, for dagrad's tests and for yours.
//
//   const Tensor x = randn({3, 4}, f64).requires_grad_();
//   const Tensor y = randn({4}, f64).requires_grad_();
//   const auto f = [](const Tensor& x, const Tensor& y) { return tanh(x) * y; };
//   EXPECT_TRUE(passes(gradcheck(f, {x, y})));   // passes(): dagrad/core/gradcheck_gtest.h
//   EXPECT_TRUE(passes(gradgradcheck(f, {x, y})));
//
// or, without GoogleTest: `if (auto result = gradcheck(f, {x, y}); !result) std::cerr << result.report();`
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// What a check may find.
enum class GradcheckVerdict : std::uint8_t {
  right,
  cannot_tell,  ///< the numeric derivative itself is unreliable (a kink, a jump, noise, NaN nearby), or nothing was
                ///< tested
  wrong,
};

/// `right`, `cannot tell`, `wrong`.
std::string_view name_of(GradcheckVerdict verdict);

struct GradcheckOptions {
  /// The relative error that an analytic derivative may have; by default 1e-7 in gradcheck and 1e-5 in gradgradcheck.
  std::optional<double> rtol = {};
  /// The first and largest step, in units of max(1, |x|) over the input. Smaller ones follow until the derivative is
  /// known.
  double step = 0.1;
  /// There is no absolute tolerance. But where the numeric value of a small derivative, or of a zero, is uncertain by
  /// more than rtol allows, agreement within that uncertainty is enough if it is below this part of the largest
  /// derivative of the same output by the same input; by default rtol / 100.
  std::optional<double> zero_resolution = {};
  /// Seeds the cotangents, and the choice of elements.
  std::uint64_t seed = 0;
  /// At most so many elements of each input and of each output, chosen at random; 0 checks the full Jacobian.
  std::int64_t max_elements = 0;
  /// Accept that (nearly) all derivatives by an input are zero, which otherwise counts as not tested.
  bool allow_zero_jacobian = false;
};

/// One derivative d output[output_index] / d input[input_index].
struct GradcheckElement {
  std::size_t input = 0;
  Shape input_index;
  std::size_t output = 0;
  Shape output_index;
  double analytic = 0;
  double numeric = 0;  ///< NaN when no step gave a value
  double error = 0;    ///< how far off `numeric` may be, by its own estimate
  double bound = 0;    ///< error + rtol * max(|analytic|, |numeric|) + rounding of the analytic value
  GradcheckVerdict verdict = GradcheckVerdict::right;

  double difference() const;
};

/// What was found for one input.
struct GradcheckInput {
  std::size_t input = 0;
  std::string name;  ///< `input 0`; gradgradcheck also has `cotangent 0`, ...
  Shape shape;
  std::int64_t right = 0, wrong = 0, cannot_tell = 0;
  /// The element with the worst verdict, and among these the largest difference / bound. None when there is no element.
  std::optional<GradcheckElement> worst;
};

/// Something that is amiss apart from the values of single elements.
struct GradcheckProblem {
  GradcheckVerdict verdict;
  std::string text;
};

struct [[nodiscard]] GradcheckResult {
  /// Wrong when anything is, else cannot_tell when anything is, else right.
  GradcheckVerdict verdict = GradcheckVerdict::right;
  std::vector<GradcheckInput> inputs;
  std::vector<GradcheckProblem> problems;
  std::string name;                       ///< `gradcheck` or `gradgradcheck`
  std::vector<std::string> output_names;  ///< `output 0`; in gradgradcheck `gradient of input 0`

  explicit operator bool() const { return verdict == GradcheckVerdict::right; }
  /// The verdict, a table with the worst element of each input, and the problems, as text of several lines.
  std::string report() const;
};

/// A function to check. It must compute the same from the same values each time (fix the seed of dropout), and have no
/// effect on its inputs. Integer outputs and those without a gradient are not looked at.
/// Takes one to four tensors, or a span, and returns a tensor or a vector (dagrad/core/tensor_function.h).
using GradcheckFunction = TensorFunction;

/// Compares the full Jacobian of `function` by backward, one row at a time, with central differences in f64.
///
/// Those `inputs` that require a gradient are checked; they must be f64 leaves of any strides. Their elements are
/// changed in place for the differences and restored, so `function` may also reach them another way (a module's
/// parameters), and a tensor that is passed twice moves in both places and is checked once, by its total derivative.
///
/// An element is right when the two agree within `GradcheckElement::bound` and the numeric one is certain enough to
/// say so, wrong when they differ by more, and cannot_tell otherwise. Also checked: that backward gives the same twice
/// on one graph, on a fresh graph, after the function ran on other values, and from cotangents that are strided or
/// expanded; that it is linear in them; that it changes neither inputs nor cotangents, nor later a gradient it gave.
/// What backward throws is reported as wrong.
///
/// Throws UsageError when no input requires a gradient, `function` takes another number of them, an input is no leaf,
/// shares memory with another or overlaps itself; DTypeError when an input or output to check is not f64; and what
/// `function` throws at `inputs`.
GradcheckResult gradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

/// Checks second derivatives: gradcheck of (inputs, cotangents) -> grad(function(inputs), inputs, cotangents) with
/// random cotangents. In the result the cotangents follow the inputs; output k is the gradient of the k-th input that
/// requires one. A gradient that was not recorded must not depend on anything. Throws as gradcheck does.
GradcheckResult gradgradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

}  // namespace dagrad
