#include "random_dag/fault.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "random_dag/reference.h"

namespace dagrad::random_dag {
namespace {

// Far above what rounding errors grow to in graphs of this size, far below what a wrong derivative is off by: relative
// to what is added up to make a derivative, and absolute for what comes from values that should cancel.
constexpr double kTolerance = 1e-9, kLeftover = 1e-12;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<Tensor> run(const Program& program) {
  std::vector<Tensor> results;
  for (const Statement& statement : program.statements) {
    if (statement.leaf()) {
      results.push_back(tensor(statement.values, statement.shape).requires_grad_(statement.requires_grad));
      continue;
    }
    std::vector<Tensor> operands;
    for (const int operand : statement.operands) operands.push_back(results[at(operand)]);
    results.push_back(statement.run(operands));
  }
  return results;
}

/// A gradient for each of the program's inputs, undefined where it is zero.
std::vector<Tensor> gradients(const Program& program, const std::vector<Tensor>& results) {
  std::vector<Tensor> outputs, weights, inputs;
  for (const Output& output : program.outputs) {
    outputs.push_back(results[at(output.statement)]);
    weights.push_back(tensor(output.weights, outputs.back().shape()));
  }
  for (const int input : program.inputs) inputs.push_back(results[at(input)]);
  switch (program.request) {
    case Request::grad: return grad(outputs, inputs, weights, {.allow_unused = true});
    case Request::backward_twice:
    case Request::backward: {
      for (const Tensor& input : inputs) {
        if (!input.is_leaf()) input.retain_grad();
      }
      if (program.request == Request::backward_twice) backward(outputs, weights, {.retain_graph = true});
      backward(outputs, weights);
      std::vector<Tensor> found;
      found.reserve(inputs.size());
      for (const Tensor& input : inputs) found.push_back(input.grad());
      return found;
    }
    case Request::grad_of_grad: {
      const std::vector<Tensor> first = grad(outputs, inputs, weights, {.create_graph = true, .allow_unused = true});
      std::vector<Tensor> recorded, directions;
      for (std::size_t i = 0; i < first.size(); ++i) {
        if (!first[i].requires_grad()) continue;
        recorded.push_back(first[i]);
        directions.push_back(tensor(program.direction[at(program.inputs[i])], first[i].shape()));
      }
      if (recorded.empty()) return std::vector<Tensor>(inputs.size());
      return grad(recorded, inputs, directions, {.allow_unused = true});
    }
  }
  return {};
}

/// The first element that is not as wanted.
std::optional<std::string> difference(const std::string& what, const Tensor& got, const std::vector<Derivative>& want) {
  const std::vector<double> values = got.defined() ? got.to_vector<double>() : std::vector<double>(want.size(), 0);
  if (values.size() != want.size())
    return fmt::format("{} has {} elements (want {})", what, values.size(), want.size());
  for (std::size_t e = 0; e < want.size(); ++e) {
    if (!(std::fabs(values[e] - want[e].value) <= kTolerance * want[e].magnitude + kLeftover))
      return fmt::format("{}[{}] is {} (want {})", what, e, values[e], want[e].value);
  }
  return std::nullopt;
}

/// The first statement whose result is this tensor: contiguous and others may give their source itself, and there is
/// one gradient for both.
int first_with(const std::vector<Tensor>& results, int statement) {
  const auto same = [&](const Tensor& other) { return other.is_same(results[at(statement)]); };
  return static_cast<int>(std::find_if(results.begin(), results.end(), same) - results.begin());
}

std::optional<std::string> find_fault(Program program) {
  const std::vector<Tensor> results = run(program);
  for (int& input : program.inputs) input = first_with(results, input);
  const auto values = evaluate(program);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].shape() != program.statements[i].shape)
      return fmt::format("t{} is {} (want {})", i, results[i].shape().str(), program.statements[i].shape.str());
    std::vector<Derivative> want;
    for (const double value : values->at(i)) want.push_back({value, 1 + std::fabs(value)});
    if (auto fault = difference(fmt::format("t{}", i), results[i], want)) return fault;
  }
  const std::vector<Tensor> got = gradients(program, results);
  std::vector<std::vector<Derivative>> want = derivatives(program);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (program.request == Request::backward_twice) {
      for (Derivative& derivative : want[i]) derivative = {2 * derivative.value, 2 * derivative.magnitude};
    }
    if (auto fault = difference(fmt::format("the gradient of t{}", program.inputs[i]), got[i], want[i])) return fault;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_of(const Program& program) {
  try {
    return find_fault(program);
  } catch (const std::exception& error) {
    return fmt::format("throws: {}", error.what());
  }
}

}  // namespace dagrad::random_dag
