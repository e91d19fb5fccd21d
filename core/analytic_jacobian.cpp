#include "dagrad/core/analytic_jacobian.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

using Values = std::vector<std::vector<double>>;  // one list for each checked input

/// `value` everywhere, with strides of 0, as a broadcast's backward would get it.
Tensor expanded(const Shape& shape, double value) {
  return scalar(value, f64).alias(shape, Shape::filled(shape.rank(), 0), 0);
}

/// The same elements in column-major order with gaps of NaN between them.
Tensor with_gaps(const Tensor& t) {
  Tensor room = full({2 * t.numel() + 1}, std::numeric_limits<double>::quiet_NaN(), f64);
  Strides strides = t.shape();
  std::int64_t stride = 2;
  for (int axis = 0; axis < t.dim(); ++axis) {
    strides[axis] = stride;
    stride *= t.shape()[axis];
  }
  return room.alias(t.shape(), strides, 1).copy_(t);
}

/// Backward from one recording of the function.
class Recording {
 public:
  explicit Recording(const CheckedFunction& function) : function_(function), all_(function.run()) {
    for (std::size_t o = 0; o < all_.size(); ++o) {
      if (!function.outputs()[o].recorded) continue;
      // An output that was recorded at first must be so again.
      if (!all_[o].requires_grad()) throw GradientError("an output requires a gradient at one call and not at another");
      recorded_.push_back(all_[o]);
    }
  }

  const std::vector<Tensor>& recorded() const { return recorded_; }
  const Tensor& output(std::size_t o) const { return all_[o]; }

  std::vector<Tensor> gradients(std::span<const Tensor> outputs, std::span<const Tensor> cotangents) const {
    return grad(outputs, function_.input_tensors(), cotangents, {.retain_graph = true, .allow_unused = true});
  }
  std::vector<Tensor> gradients(std::span<const Tensor> cotangents) const { return gradients(recorded_, cotangents); }

 private:
  const CheckedFunction& function_;
  std::vector<Tensor> all_, recorded_;
};

class Behaviour {
 public:
  Behaviour(const CheckedFunction& function, AnalyticJacobian& jacobian, double rtol, const Values& floors,
            std::uint64_t seed)
      : function_(function),
        jacobian_(jacobian),
        rtol_(rtol),
        floors_(floors),
        all_rows_(has_all_rows(function)),
        generator_(Generator(seed).fork(3)) {}

  void check(const Recording& recording) {
    std::vector<Tensor> cotangents, others, gapped, same, broadcast;
    for (const Tensor& output : recording.recorded()) {
      cotangents.push_back(random_cotangent(output.shape(), generator_));
      others.push_back(random_cotangent(output.shape(), generator_));
      gapped.push_back(with_gaps(cotangents.back()));
      same.push_back(full(output.shape(), 0.75, f64));
      broadcast.push_back(expanded(output.shape(), 0.75));
    }
    std::vector<std::vector<std::byte>> before;
    before.reserve(cotangents.size());
    for (const Tensor& cotangent : cotangents) before.push_back(bytes_of(cotangent));

    const std::vector<Tensor> given = recording.gradients(cotangents);
    const Values first = values_of(given);
    measure(cotangents, first);
    compare("the second time on one graph", values_of(recording.gradients(cotangents)), first);
    (void)recording.gradients(others);
    compare("which changed after the next backward", values_of(given), first);
    compare("on a fresh graph", values_of(Recording(function_).gradients(cotangents)), first);
    function_.run_elsewhere();
    compare("after the function ran on other values", values_of(recording.gradients(cotangents)), first);
    compare("from strided cotangents", values_of(recording.gradients(gapped)), first);
    for (std::size_t i = 0; i < cotangents.size(); ++i) {
      if (bytes_of(cotangents[i]) != before[i]) fault("backward changed the cotangents it was given");
    }
    check_linear(cotangents, first);

    const Values from_dense = values_of(recording.gradients(same));
    measure(same, from_dense);
    compare("from expanded cotangents", values_of(recording.gradients(broadcast)), from_dense);
    if (const auto input = function_.changed_input()) fault(fmt::format("backward changed input {} in place", *input));
  }

 private:
  void fault(std::string text) { jacobian_.faults.push_back(std::move(text)); }

  /// The gradients as they are now, also where they alias something that changes later.
  Values values_of(const std::vector<Tensor>& gradients) const {
    Values values;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::vector<std::int64_t>& elements = function_.inputs()[i].elements;
      std::vector<double>& chosen = values.emplace_back(elements.size(), 0.0);
      if (!gradients[i].defined()) continue;
      const std::vector<double> all = gradients[i].to_vector<double>();
      for (std::size_t k = 0; k < elements.size(); ++k) chosen[k] = all[static_cast<std::size_t>(elements[k])];
    }
    return values;
  }

  static bool has_all_rows(const CheckedFunction& function) {
    return std::all_of(function.outputs().begin(), function.outputs().end(), [](const CheckedOutput& output) {
      return static_cast<std::int64_t>(output.elements.size()) == checked_numel("gradcheck", output.shape);
    });
  }

  /// What rounding may change: relative to sum_row |cotangent[row] * J[row, column]| or, where not all rows are known,
  /// to the largest gradient.
  void measure(const std::vector<Tensor>& cotangents, const Values& gradients) {
    const std::vector<double> weights = row_weights(cotangents);
    tolerances_ = gradients;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::size_t columns = gradients[i].size();
      double largest = 0, floor = 0;
      for (const double gradient : gradients[i]) largest = std::max(largest, std::abs(gradient));
      for (std::size_t r = 0; r < weights.size(); ++r) floor += std::abs(weights[r]) * floors_[i][r];
      for (std::size_t c = 0; c < columns; ++c) {
        double magnitude = all_rows_ ? 0 : largest;
        for (std::size_t r = 0; r < weights.size() && all_rows_; ++r)
          magnitude += std::abs(weights[r] * jacobian_.values[i][r * columns + c]);
        tolerances_[i][c] = rtol_ * magnitude + 64 * kEpsilon * largest + floor;
      }
    }
  }

  /// The cotangent of every row; 0 for outputs that were not recorded.
  std::vector<double> row_weights(const std::vector<Tensor>& cotangents) const {
    std::vector<double> weights;
    std::size_t recorded = 0;
    for (const CheckedOutput& output : function_.outputs()) {
      const std::vector<double> all =
          output.recorded ? cotangents[recorded++].to_vector<double>() : std::vector<double>();
      for (const std::int64_t element : output.elements)
        weights.push_back(output.recorded ? all[static_cast<std::size_t>(element)] : 0);
    }
    return weights;
  }

  void compare(const char* when, const Values& gradients, const Values& wanted) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (std::size_t c = 0; c < wanted[i].size(); ++c) {
        if (equal(gradients[i][c], wanted[i][c], tolerances_[i][c])) continue;
        const CheckedInput& input = function_.inputs()[i];
        fault(fmt::format("backward gave input {} another gradient at {} {}: {:.9g} (want {:.9g} as before)",
                          input.input, index_at(input.tensor.shape(), input.elements[c]).str(), when, gradients[i][c],
                          wanted[i][c]));
        return;
      }
    }
  }

  void check_linear(const std::vector<Tensor>& cotangents, const Values& gradients) {
    if (!all_rows_) return;
    const std::vector<double> weights = row_weights(cotangents);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::size_t columns = gradients[i].size();
      for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0;
        for (std::size_t r = 0; r < weights.size(); ++r) sum += weights[r] * jacobian_.values[i][r * columns + c];
        // A row that is not finite is the business of the comparison with differences.
        if (!std::isfinite(sum) || equal(gradients[i][c], sum, tolerances_[i][c])) continue;
        const CheckedInput& input = function_.inputs()[i];
        fault(
            fmt::format("backward is not linear in its cotangents: input {} at {} gets {:.9g} (want {:.9g}, the sum "
                        "over the outputs one by one)",
                        input.input, index_at(input.tensor.shape(), input.elements[c]).str(), gradients[i][c], sum));
        return;
      }
    }
  }

  static bool equal(double a, double b, double tolerance) {
    return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
  }

  const CheckedFunction& function_;
  AnalyticJacobian& jacobian_;
  double rtol_;
  const Values& floors_;
  bool all_rows_;
  Generator generator_;
  Values tolerances_;
};

/// One backward per row, all on one graph: a buffer that is used again shows.
void fill_rows(const CheckedFunction& function, const Recording& recording, AnalyticJacobian& jacobian) {
  for (std::size_t o = 0; o < function.outputs().size(); ++o) {
    const CheckedOutput& output = function.outputs()[o];
    if (!output.recorded) continue;
    for (std::size_t k = 0; k < output.elements.size(); ++k) {
      Tensor one_hot = zeros(output.shape, f64);
      one_hot.mutable_data<double>()[output.elements[k]] = 1;
      const std::vector<Tensor> gradients = recording.gradients({&recording.output(o), 1}, {&one_hot, 1});
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        if (!gradients[i].defined()) continue;
        jacobian.reached[i] = true;
        const std::vector<double> all = gradients[i].to_vector<double>();
        const std::vector<std::int64_t>& elements = function.inputs()[i].elements;
        double* const row = jacobian.values[i].data() + (output.first_row + k) * elements.size();
        for (std::size_t c = 0; c < elements.size(); ++c) row[c] = all[static_cast<std::size_t>(elements[c])];
      }
    }
  }
}

}  // namespace

AnalyticJacobian analytic_jacobian(const CheckedFunction& function, double rtol,
                                   const std::vector<std::vector<double>>& floors, std::uint64_t seed) {
  AnalyticJacobian jacobian;
  for (const CheckedInput& input : function.inputs())
    jacobian.values.emplace_back(function.row_count() * input.elements.size(), 0.0);
  jacobian.reached.resize(function.inputs().size());
  const Recording recording(function);
  if (recording.recorded().empty()) return jacobian;
  try {
    fill_rows(function, recording, jacobian);
    Behaviour(function, jacobian, rtol, floors, seed).check(recording);
  } catch (const std::exception& error) {
    jacobian.faults.push_back(fmt::format("backward threw: {}", error.what()));
    jacobian.complete = false;
  }
  return jacobian;
}

Tensor random_cotangent(const Shape& shape, Generator& generator) {
  Tensor cotangent = empty(shape, f64);
  double* const data = cotangent.mutable_data<double>();
  for (std::int64_t i = 0; i < cotangent.numel(); ++i) {
    const double draw = generator.next_uniform();
    data[i] = draw < 0.5 ? -0.5 - 2 * draw : 2 * draw - 0.5;
  }
  return cotangent;
}

}  // namespace dagrad
