#include "random_dag/shrink.h"

#include <algorithm>
#include <optional>

#include "random_dag/kind.h"
#include "random_dag/reference.h"

namespace dagrad::random_dag {
namespace {

using Changed = std::optional<Program>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Which statements outputs and inputs depend on.
std::vector<bool> used_by(const Program& program) {
  std::vector<bool> used(program.statements.size(), false);
  for (const Output& output : program.outputs) used[at(output.statement)] = true;
  for (const int input : program.inputs) used[at(input)] = true;
  for (std::size_t i = used.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const int operand : program.statements[i].operands) used[at(operand)] = true;
  }
  return used;
}

/// Only these, renumbered, and what is left of the request.
Changed without_the_unused(const Program& program) {
  const std::vector<bool> used = used_by(program);
  Program result{.statements = {}, .outputs = {}, .request = program.request, .direction = {}, .inputs = {}};
  std::vector<int> number(used.size(), -1);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    number[i] = static_cast<int>(result.statements.size());
    Statement& statement = result.statements.emplace_back(program.statements[i]);
    for (int& operand : statement.operands) operand = number[at(operand)];
    result.direction.push_back(program.direction[i]);
  }
  const std::vector<bool> differentiable = result.differentiable();
  for (const Output& output : program.outputs) {
    const int statement = number[at(output.statement)];
    if (differentiable[at(statement)]) result.outputs.push_back({statement, output.weights});
  }
  for (const int input : program.inputs) {
    const int statement = number[at(input)];
    if (statement >= 0 && differentiable[at(statement)]) result.inputs.push_back(statement);
  }
  if (result.outputs.empty() || result.inputs.empty()) return std::nullopt;
  return result;
}

Changed without_output(const Program& program, std::size_t i) {
  if (i >= program.outputs.size()) return std::nullopt;
  Program result = program;
  result.outputs.erase(result.outputs.begin() + static_cast<std::ptrdiff_t>(i));
  return result;
}

Changed without_input(const Program& program, std::size_t i) {
  if (i >= program.inputs.size()) return std::nullopt;
  Program result = program;
  result.inputs.erase(result.inputs.begin() + static_cast<std::ptrdiff_t>(i));
  return result;
}

/// In place of an input that outputs do not depend on, the leaves that they do.
Changed with_used_inputs(const Program& program, std::size_t) {
  Program of_outputs = program;
  of_outputs.inputs.clear();
  const std::vector<bool> used = used_by(of_outputs);
  const auto is_used = [&](int input) { return used[at(input)]; };
  if (std::all_of(program.inputs.begin(), program.inputs.end(), is_used)) return std::nullopt;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] && program.statements[i].requires_grad) of_outputs.inputs.push_back(static_cast<int>(i));
  }
  return of_outputs;
}

Changed with_simple_request(const Program& program, std::size_t) {
  if (program.request == Request::grad) return std::nullopt;
  Program result = program;
  result.request = Request::grad;
  return result;
}

/// A leaf in place of a result, with its values.
Changed with_leaf(const Program& program, std::size_t i) {
  if (i >= program.statements.size() || program.statements[i].leaf()) return std::nullopt;
  const auto values = evaluate(program);
  if (!values) return std::nullopt;
  Program result = program;
  Statement leaf{
      .shape = program.statements[i].shape, .values = (*values)[i], .requires_grad = program.differentiable()[i]};
  result.statements[i] = std::move(leaf);
  if (program.request == Request::grad_of_grad) {
    result.direction[i].assign((*values)[i].size(), 1);
    if (result.statements[i].requires_grad) result.inputs.push_back(static_cast<int>(i));
  } else if (result.statements[i].requires_grad &&
             std::find(result.inputs.begin(), result.inputs.end(), static_cast<int>(i)) == result.inputs.end()) {
    result.inputs.push_back(static_cast<int>(i));
  }
  return result;
}

Changed with_constant(const Program& program, std::size_t i) {
  if (i >= program.statements.size() || !program.statements[i].requires_grad) return std::nullopt;
  Program result = program;
  result.statements[i].requires_grad = false;
  std::erase(result.inputs, static_cast<int>(i));
  return result;
}

/// All statements made again, with the attributes that their seeds give for the shapes that leaves now have.
Changed remade(Program program) {
  for (Statement& statement : program.statements) {
    if (statement.leaf()) continue;
    std::vector<Shape> shapes;
    for (const int operand : statement.operands) shapes.push_back(program.statements[at(operand)].shape);
    Random random(statement.seed);
    auto again = statement.kind->make(shapes, random);
    if (!again) return std::nullopt;
    again->operands = statement.operands;
    again->kind = statement.kind;
    again->seed = statement.seed;
    statement = std::move(*again);
  }
  for (Output& output : program.outputs)
    output.weights.resize(at(count_of(program.statements[at(output.statement)].shape)), 1);
  for (std::size_t i = 0; i < program.statements.size(); ++i) {
    if (!program.direction[i].empty()) program.direction[i].resize(at(count_of(program.statements[i].shape)), 1);
  }
  return program;
}

/// An operand in place of its result. `choice` counts statements and their operands.
Changed bypassing(const Program& program, std::size_t choice) {
  constexpr std::size_t kMostOperands = 4;
  const std::size_t i = choice / kMostOperands, k = choice % kMostOperands;
  if (i >= program.statements.size() || k >= program.statements[i].operands.size()) return std::nullopt;
  const int replacement = program.statements[i].operands[k];
  Program result = program;
  for (Statement& user : result.statements) {
    for (int& operand : user.operands) operand = operand == static_cast<int>(i) ? replacement : operand;
  }
  for (Output& output : result.outputs) {
    if (output.statement == static_cast<int>(i)) output.statement = replacement;
  }
  const bool same = program.statements[at(replacement)].shape == program.statements[i].shape;
  return same ? result : remade(std::move(result));
}

/// A leaf, or all leaves of its shape, without one of their axes or with a size of 1 there. `choice` counts leaves and
/// what to do to them.
Changed with_smaller_leaf(const Program& program, std::size_t choice) {
  std::size_t i = 0;
  const auto ways = [&] { return program.statements[i].leaf() ? 4 * program.statements[i].shape.size() : 0; };
  for (; i < program.statements.size() && choice >= ways(); ++i) choice -= ways();
  if (i == program.statements.size()) return std::nullopt;
  const bool together = choice % 2 != 0, drop = choice / 2 % 2 == 0;
  const int axis = static_cast<int>(choice / 4);
  const Shape shape = program.statements[i].shape;
  Shape smaller = shape;
  if (drop)
    smaller.erase(axis);
  else
    smaller[axis] = 1;
  if (smaller.size() == shape.size() && shape[axis] <= 1) return std::nullopt;
  Program result = program;
  for (std::size_t j = 0; j < result.statements.size(); ++j) {
    Statement& leaf = result.statements[j];
    if (!leaf.leaf() || leaf.shape != shape || (j != i && !together)) continue;
    leaf.shape = smaller;
    leaf.values.resize(at(count_of(smaller)), 1);
  }
  return remade(std::move(result));
}

/// Ones for the weights and directions, and for a leaf.
Changed with_ones(const Program& program, std::size_t i) {
  Program result = program;
  bool changed = false;
  const auto fill = [&](std::vector<double>& values) {
    for (double& value : values) {
      changed = changed || value != 1;
      value = 1;
    }
  };
  for (Output& output : result.outputs) fill(output.weights);
  for (std::vector<double>& direction : result.direction) fill(direction);
  if (i < result.statements.size()) fill(result.statements[i].values);
  return changed ? Changed(result) : std::nullopt;
}

/// A leaf whose values are rounded to halves, or else to tenths.
template <int kParts>
Changed with_round_values(const Program& program, std::size_t i) {
  if (i >= program.statements.size() || !program.statements[i].leaf()) return std::nullopt;
  Program result = program;
  for (double& value : result.statements[i].values) value = std::round(value * kParts) / kParts + 0.0;  // no -0
  return result.statements[i].values == program.statements[i].values ? std::nullopt : Changed(result);
}

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails) {
  using Change = Changed (*)(const Program&, std::size_t);
  constexpr Change changes[] = {
      with_simple_request,  without_output, with_leaf,         bypassing, without_input,
      with_used_inputs,     with_constant,  with_smaller_leaf, with_ones, with_round_values<2>,
      with_round_values<10>};
  const auto take = [&](const Changed& changed) {
    if (!changed) return false;
    const Changed tidy = without_the_unused(*changed);
    if (!tidy || !evaluate(*tidy) || !fails(*tidy)) return false;
    program = *tidy;
    return true;
  };
  take(program);
  // Later statements come first: without one of them, more of the others are of no use.
  const auto most = [&] { return 4 * static_cast<std::size_t>(kMaxRank) * program.statements.size(); };
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const Change change : changes) {
      for (std::size_t i = most(); i-- > 0;) smaller = take(change(program, i)) || smaller;
    }
  }
  return program;
}

}  // namespace dagrad::random_dag
