#include "dagrad/core/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <limits>
#include <memory>

#include "dagrad/core/analytic_jacobian.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/checked_function.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/judgement.h"
#include "dagrad/core/numeric_derivative.h"
#include "dagrad/core/random.h"

namespace dagrad {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The relation of step k + 1 to step k. A fine ratio extrapolates well; where that does not do, steps go down fast to
/// find the scale on which the function is smooth. No power of 1/2: a periodic function must not look constant.
double ratio_of_steps(int k) { return k < 6 ? 0.55 : 0.26; }
constexpr int kMostSteps = 26;  // from 0.1 to 5e-15

/// The error of a computed value: so many standard deviations of the measured noise, and units in the last place.
constexpr double kNoiseDeviations = 4;
constexpr double kNoiseUlps = 4;

/// A Jacobian of which a smaller part of the rows and of the columns is not zero has tested next to nothing.
constexpr double kLeastNonzero = 0.02;

/// Thrown by the function that gradgradcheck checks, when the first backward throws.
class BackwardFailure : public Error {
 public:
  using Error::Error;
};

bool same_values(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

double max_abs(std::span<const double> values) {
  double most = 0;
  for (const double value : values) {
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  return most;
}

/// Writes single elements of a tensor and restores them at its end.
class ElementWriter {
 public:
  ElementWriter(const Tensor& tensor, std::int64_t position)
      : tensor_(tensor),
        shift_(offset_at(tensor, position) - tensor.offset()),
        before_(tensor.data<double>()[shift_]) {}
  ~ElementWriter() { write(before_); }
  ElementWriter(const ElementWriter&) = delete;
  ElementWriter& operator=(const ElementWriter&) = delete;

  double before() const { return before_; }
  void write(double value) { tensor_.mutable_data<double>()[shift_] = value; }

 private:
  Tensor tensor_;
  std::int64_t shift_;
  double before_;
};

class Check {
 public:
  Check(CheckedFunction& function, GradcheckOptions options, double rtol, GradcheckResult& result)
      : function_(function), options_(options), rtol_(rtol), result_(result) {}

  /// `whole`: the Jacobian must not be zero as a whole; otherwise that of no input may.
  void run(bool whole) {
    function_.start();
    const std::vector<Tensor> recorded = function_.run();
    here_ = function_.rows_of(recorded);
    if (!same_values(here_, function_.values()))
      return add(GradcheckVerdict::cannot_tell, "the function gives other values for the same inputs");
    if (const auto input = function_.changed_input())
      return add(GradcheckVerdict::cannot_tell, fmt::format("the function changes input {} in place", *input));
    if (function_.outputs().empty())
      return add(GradcheckVerdict::cannot_tell, "no output requires a gradient: nothing was tested");

    noise_ = measure_noise();
    measure_floors();
    jacobian_ = analytic_jacobian(function_, rtol_, floors_, options_.seed);
    for (std::string& fault : jacobian_.faults) add(GradcheckVerdict::wrong, std::move(fault));
    if (!jacobian_.complete) return;

    std::int64_t elements = 0, nonzero = 0;
    for (std::size_t i = 0; i < function_.inputs().size(); ++i) {
      const bool tested = check_input(i);
      elements += static_cast<std::int64_t>(jacobian_.values[i].size());
      nonzero += tested;
      if (!whole && !tested) add_untested(fmt::format("by {}", result_.inputs[i].name));
    }
    if (whole && nonzero == 0 && elements > 0) add_untested("by every input");
    if (!same_values(here_, function_.values()))
      add(GradcheckVerdict::cannot_tell, "the function gives other values for the same inputs than at first");
    if (failed_points_ > 0 && overall() != GradcheckVerdict::right) {
      add(GradcheckVerdict::cannot_tell,
          fmt::format("the function threw at {} points nearby: {}", failed_points_, failure_));
    }
  }

  GradcheckVerdict overall() const {
    GradcheckVerdict verdict = GradcheckVerdict::right;
    for (const GradcheckProblem& problem : result_.problems) verdict = std::max(verdict, problem.verdict);
    for (const GradcheckInput& input : result_.inputs) {
      if (input.cannot_tell > 0) verdict = std::max(verdict, GradcheckVerdict::cannot_tell);
      if (input.wrong > 0) verdict = GradcheckVerdict::wrong;
    }
    return verdict;
  }

 private:
  void add(GradcheckVerdict verdict, std::string text) { result_.problems.push_back({verdict, std::move(text)}); }

  void add_untested(const std::string& what) {
    if (options_.allow_zero_jacobian) return;
    add(GradcheckVerdict::cannot_tell,
        fmt::format("(nearly) all derivatives {} are zero: not tested (want other values, or allow_zero_jacobian)",
                    what));
  }

  /// The values near the inputs; NaN where the function throws, as at the edge of its domain.
  std::vector<double> values_nearby() {
    try {
      return function_.values();
    } catch (const std::exception& error) {
      if (failed_points_++ == 0) failure_ = error.what();
      return std::vector<double>(function_.row_count(), kNaN);
    }
  }

  /// The noise of each row, from eight close points on a random line through all inputs: very close ones, and others
  /// far enough apart that values which are constant in steps, as when f computes in f32, differ between them.
  std::vector<double> measure_noise() {
    std::vector<double> noise(function_.row_count());
    for (const double spacing : {0x1p-36, 0x1p-22}) {
      const std::vector<std::vector<double>> points = points_on_a_line(spacing);
      for (std::size_t row = 0; row < noise.size(); ++row) {
        std::vector<double> values;
        values.reserve(points.size());
        for (const std::vector<double>& point : points) values.push_back(point[row]);
        const double level = noise_level(values);
        // Next to the edge of the domain nothing is measured; the differences will tell.
        if (std::isfinite(level)) noise[row] = std::max(noise[row], kNoiseDeviations * level);
      }
    }
    return noise;
  }

  std::vector<std::vector<double>> points_on_a_line(double relative_spacing) {
    constexpr int kPoints = 8;
    Generator generator = Generator(options_.seed).fork(4);
    struct Coordinate {
      std::unique_ptr<ElementWriter> writer;
      double spacing;
    };
    std::vector<Coordinate> coordinates;
    for (const CheckedInput& input : function_.inputs()) {
      const double largest = max_abs(input.tensor.to_vector<double>());
      for (const std::int64_t element : input.elements) {
        auto writer = std::make_unique<ElementWriter>(input.tensor, element);
        double size = std::abs(writer->before());
        if (size == 0) size = largest > 0 ? largest : 1;
        const double spacing = relative_spacing * size * (generator.next_uniform() - 0.5);
        coordinates.push_back({std::move(writer), spacing});
      }
    }
    std::vector<std::vector<double>> points;
    for (int k = 0; k < kPoints; ++k) {
      for (Coordinate& c : coordinates) c.writer->write(c.writer->before() + k * c.spacing);
      points.push_back(values_nearby());
    }
    return points;
  }

  /// What even the largest step cannot tell from zero.
  void measure_floors() {
    for (const CheckedInput& input : function_.inputs()) {
      first_steps_.push_back(options_.step * std::max(1.0, max_abs(input.tensor.to_vector<double>())));
      std::vector<double>& floors = floors_.emplace_back();
      for (std::size_t r = 0; r < here_.size(); ++r) {
        const double floor = (noise_[r] + kNoiseUlps * kEpsilon * std::abs(here_[r])) / first_steps_.back();
        floors.push_back(std::isfinite(floor) ? floor : 0);
      }
    }
  }

  /// Whether enough of the Jacobian is not zero to have been tested. An empty one has nothing to test.
  bool check_input(std::size_t i) {
    const CheckedInput& input = function_.inputs()[i];
    GradcheckInput& found = result_.inputs[i];
    const std::size_t rows = function_.row_count(), columns = input.elements.size();
    const std::vector<Tolerances> tolerances = tolerances_of(i);
    std::vector<bool> live_rows(rows);
    std::size_t live_columns = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::vector<DifferenceTable> tables = differentiate(i, c, tolerances);
      bool live = false;
      for (std::size_t r = 0; r < rows; ++r) {
        const NumericDerivative numeric = tables[r].best();
        if (std::abs(numeric.value) > numeric.error) live_rows[r] = live = true;
        record(found, i, r, c, tables[r], tolerances[r]);
      }
      live_columns += live;
    }
    if (found.wrong > 0 && !jacobian_.reached[i])
      add(GradcheckVerdict::wrong, fmt::format("no gradient comes to {}, on which the function depends", found.name));
    const auto enough = [](std::size_t part, std::size_t all) {
      return part > 0 && static_cast<double>(part) >= kLeastNonzero * static_cast<double>(all);
    };
    const auto live = static_cast<std::size_t>(std::count(live_rows.begin(), live_rows.end(), true));
    return rows * columns == 0 || enough(live, rows) || enough(live_columns, columns);
  }

  std::vector<Tolerances> tolerances_of(std::size_t i) const {
    double whole = 0;
    for (std::size_t k = 0; k < function_.inputs().size(); ++k) {
      for (const CheckedOutput& output : function_.outputs()) whole = std::max(whole, largest_in_block(k, output));
    }
    std::vector<Tolerances> tolerances;
    for (const CheckedOutput& output : function_.outputs()) {
      // An output that does not depend on this input at all has only the others to be compared with.
      const double block = largest_in_block(i, output);
      const double zero = options_.zero_resolution.value_or(rtol_ / 100) * (block > 0 ? block : whole);
      for (std::size_t k = 0; k < output.elements.size(); ++k) {
        const double row = max_abs(row_of(i, output.first_row + k));
        tolerances.push_back({rtol_, zero, row, std::max(row, block)});
      }
    }
    return tolerances;
  }

  /// The largest derivative of an output by an input that is more than rounding.
  double largest_in_block(std::size_t i, const CheckedOutput& output) const {
    double largest = 0;
    for (std::size_t r = output.first_row; r < output.first_row + output.elements.size(); ++r) {
      const double candidate = max_abs(row_of(i, r));
      if (candidate > floors_[i][r]) largest = std::max(largest, candidate);
    }
    return largest;
  }

  std::span<const double> row_of(std::size_t i, std::size_t row) const {
    const std::size_t columns = function_.inputs()[i].elements.size();
    return std::span(jacobian_.values[i]).subspan(row * columns, columns);
  }

  /// The derivatives of all rows by one element: smaller and smaller steps until each row is settled.
  std::vector<DifferenceTable> differentiate(std::size_t i, std::size_t column,
                                             const std::vector<Tolerances>& tolerances) {
    const CheckedInput& input = function_.inputs()[i];
    ElementWriter writer(input.tensor, input.elements[column]);
    const double x = writer.before();
    std::vector<DifferenceTable> tables(function_.row_count());
    double step = first_steps_[i];
    for (int k = 0; k < kMostSteps; ++k, step *= ratio_of_steps(k)) {
      const double above = x + step, below = x - step;
      writer.write(above);
      const std::vector<double> f_above = values_nearby();
      writer.write(below);
      const std::vector<double> f_below = values_nearby();
      bool settled = true;
      for (std::size_t r = 0; r < tables.size(); ++r) {
        const double noise = noise_[r] + kNoiseUlps * kEpsilon * std::max(std::abs(f_above[r]), std::abs(f_below[r]));
        tables[r].add(x - below, above - x, f_below[r], here_[r], f_above[r], noise);
        settled = settled && is_settled(analytic(i, r, column), tables[r], tolerances[r]);
      }
      if (settled) break;
    }
    return tables;
  }

  /// A gradient is called wrong only after the smallest steps were asked too.
  static bool is_settled(double analytic, const DifferenceTable& table, const Tolerances& tolerances) {
    switch (judge(analytic, table, tolerances).verdict) {
      case GradcheckVerdict::right: return true;
      case GradcheckVerdict::cannot_tell: return !table.may_improve();
      case GradcheckVerdict::wrong: break;
    }
    return false;
  }

  double analytic(std::size_t i, std::size_t row, std::size_t column) const { return row_of(i, row)[column]; }

  void record(GradcheckInput& found, std::size_t i, std::size_t row, std::size_t column, const DifferenceTable& table,
              const Tolerances& tolerances) {
    const CheckedInput& input = function_.inputs()[i];
    const CheckedOutput& output = output_of(row);
    GradcheckElement element;
    element.input = input.input;
    element.input_index = index_at(input.tensor.shape(), input.elements[column]);
    element.output = output.output;
    element.output_index = index_at(output.shape, output.elements[row - output.first_row]);
    element.analytic = analytic(i, row, column);
    element.numeric = table.best().value;
    element.error = table.best().error;
    const Judgement judgement = judge(element.analytic, table, tolerances);
    element.bound = judgement.bound;
    element.verdict = judgement.verdict;
    if (element.verdict == GradcheckVerdict::cannot_tell && options_.allow_zero_jacobian && tolerances.zero == 0 &&
        std::max(std::abs(element.analytic), std::abs(element.numeric)) <= element.bound)
      element.verdict = GradcheckVerdict::right;
    switch (element.verdict) {
      case GradcheckVerdict::right: ++found.right; break;
      case GradcheckVerdict::wrong: ++found.wrong; break;
      case GradcheckVerdict::cannot_tell: ++found.cannot_tell; break;
    }
    if (!found.worst || is_worse(element, *found.worst)) found.worst = element;
  }

  const CheckedOutput& output_of(std::size_t row) const {
    const auto& outputs = function_.outputs();
    const auto next = std::upper_bound(outputs.begin(), outputs.end(), row,
                                       [](std::size_t r, const CheckedOutput& output) { return r < output.first_row; });
    return *(next - 1);
  }

  static bool is_worse(const GradcheckElement& a, const GradcheckElement& b) {
    if (a.verdict != b.verdict) return a.verdict > b.verdict;
    const auto excess = [](const GradcheckElement& e) {
      const double difference = e.difference();
      if (std::isnan(difference)) return kInfinity;
      return difference == 0 ? 0 : difference / e.bound;
    };
    return excess(a) > excess(b);
  }

  CheckedFunction& function_;
  GradcheckOptions options_;
  double rtol_;
  GradcheckResult& result_;
  std::vector<double> here_, noise_;         // of each row
  std::vector<double> first_steps_;          // of each checked input
  std::vector<std::vector<double>> floors_;  // of each checked input and row
  AnalyticJacobian jacobian_;
  int failed_points_ = 0;
  std::string failure_;
};

void check_options(const char* caller, const GradcheckOptions& options) {
  const double rtol = options.rtol.value_or(0);
  if (!(rtol >= 0 && rtol < 1)) throw UsageError(fmt::format("{}: rtol is {} (want 0 <= rtol < 1)", caller, rtol));
  if (!(options.step > 0 && std::isfinite(options.step)))
    throw UsageError(fmt::format("{}: step is {} (want a positive number)", caller, options.step));
  const double zero = options.zero_resolution.value_or(0);
  if (!(zero >= 0 && zero < 1))
    throw UsageError(fmt::format("{}: zero_resolution is {} (want 0 <= zero_resolution < 1)", caller, zero));
  if (options.max_elements < 0)
    throw UsageError(fmt::format("{}: max_elements is {} (want 0 for all, or more)", caller, options.max_elements));
}

/// (inputs, cotangents) -> the gradients of the inputs, of which those in `checked` are differentiated.
struct FirstBackward {
  const GradcheckFunction& function;
  std::size_t input_count;
  std::vector<std::size_t> checked;

  /// The outputs that have gradients.
  std::vector<Tensor> outputs(std::span<const Tensor> inputs) const {
    std::vector<Tensor> outputs = function(inputs);
    std::erase_if(outputs, [](const Tensor& output) { return !output.requires_grad(); });
    return outputs;
  }

  std::vector<Tensor> operator()(std::span<const Tensor> inputs_and_cotangents) const {
    const std::span<const Tensor> inputs = inputs_and_cotangents.first(input_count);
    std::vector<Tensor> wanted;
    for (const std::size_t i : checked) wanted.push_back(inputs[i]);
    const std::vector<Tensor> outputs = this->outputs(inputs);
    try {
      return grad(outputs, wanted, inputs_and_cotangents.subspan(input_count),
                  {.create_graph = true, .allow_unused = true});
    } catch (const std::exception& error) {
      throw BackwardFailure(fmt::format("the first backward, with create_graph, threw: {}", error.what()));
    }
  }
};

}  // namespace

double GradcheckElement::difference() const { return std::abs(analytic - numeric); }

GradcheckResult gradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  check_options("gradcheck", options);
  function.check_arity("gradcheck", inputs.size());
  const GradMode recording(true);
  CheckedFunction checked("gradcheck", function, inputs, options, false);
  GradcheckResult result;
  result.name = "gradcheck";
  for (const CheckedInput& input : checked.inputs()) {
    GradcheckInput& found = result.inputs.emplace_back();
    found.input = input.input;
    found.name = fmt::format("input {}", input.input);
    found.shape = input.tensor.shape();
  }
  Check check(checked, options, options.rtol.value_or(1e-7), result);
  check.run(false);
  for (const CheckedOutput& output : checked.outputs()) {
    result.output_names.resize(output.output + 1);
    result.output_names[output.output] = fmt::format("output {}", output.output);
  }
  result.verdict = check.overall();
  return result;
}

GradcheckResult gradgradcheck(const GradcheckFunction& function, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
  check_options("gradgradcheck", options);
  function.check_arity("gradgradcheck", inputs.size());
  const GradMode recording(true);
  GradcheckResult result;
  result.name = "gradgradcheck";
  FirstBackward gradients{function, inputs.size(), {}};
  // Checks the inputs before the function sees them.
  const CheckedFunction first("gradgradcheck", function, inputs, options, false);
  for (const CheckedInput& input : first.inputs()) gradients.checked.push_back(input.input);

  Generator generator = Generator(options.seed).fork(5);
  std::vector<Tensor> inputs_and_cotangents = inputs;
  for (const Tensor& output : gradients.outputs(inputs)) {
    if (output.dtype() != f64) {
      throw DTypeError(
          fmt::format("gradgradcheck: an output is {} (want f64: finite differences lose half of the "
                      "digits)",
                      name_of(output.dtype())));
    }
    inputs_and_cotangents.push_back(random_cotangent(output.shape(), generator).requires_grad_());
  }
  if (inputs_and_cotangents.size() == inputs.size()) {
    result.problems.push_back({GradcheckVerdict::cannot_tell, "no output requires a gradient: nothing was tested"});
    result.verdict = GradcheckVerdict::cannot_tell;
    return result;
  }

  const GradcheckFunction differentiated = gradients;
  CheckedFunction checked("gradgradcheck", differentiated, inputs_and_cotangents, options, true);
  for (const CheckedInput& input : checked.inputs()) {
    GradcheckInput& found = result.inputs.emplace_back();
    found.input = input.input;
    found.name = input.input < inputs.size() ? fmt::format("input {}", input.input)
                                             : fmt::format("cotangent {}", input.input - inputs.size());
    found.shape = input.tensor.shape();
  }
  for (const std::size_t i : gradients.checked) result.output_names.push_back(fmt::format("gradient of input {}", i));
  Check check(checked, options, options.rtol.value_or(1e-5), result);
  try {
    check.run(true);
  } catch (const BackwardFailure& failure) {
    result.problems.push_back({GradcheckVerdict::wrong, failure.what()});
  }
  result.verdict = check.overall();
  return result;
}

}  // namespace dagrad
