#include "random_dag/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dagrad::random_dag {
namespace {

std::string literal(const std::vector<double>& values, const Shape& shape) {
  return fmt::format("tensor({{{}}}, {{{}}}, f64)", fmt::join(values, ", "), fmt::join(shape, ", "));
}

std::string name_of(int statement) { return fmt::format("t{}", statement); }

/// The call with its operands' names.
std::string call(const Statement& statement) {
  std::string text;
  for (std::size_t i = 0; i < statement.text.size(); ++i) {
    if (statement.text[i] == '#')
      text += name_of(statement.operands[static_cast<std::size_t>(statement.text[++i] - '0')]);
    else
      text += statement.text[i];
  }
  return text;
}

std::string list(const std::vector<std::string>& items) {
  return fmt::format("std::vector<Tensor>{{{}}}", fmt::join(items, ", "));
}

}  // namespace

std::vector<bool> Program::differentiable() const {
  std::vector<bool> result;
  for (const Statement& statement : statements) {
    bool depends = statement.requires_grad;
    for (std::size_t k = static_cast<std::size_t>(statement.conditions); k < statement.operands.size(); ++k)
      depends = depends || result[static_cast<std::size_t>(statement.operands[k])];
    result.push_back(depends);
  }
  return result;
}

std::string Program::str() const {
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::string text;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Statement& statement = statements[i];
    const std::string name = name_of(static_cast<int>(i));
    if (statement.leaf())
      text += fmt::format("  const Tensor {} = {}{};\n", name, literal(statement.values, statement.shape),
                          statement.requires_grad ? ".requires_grad_()" : "");
    else
      text += fmt::format("  const Tensor {} = {};  // {}\n", name, call(statement), statement.shape.str());
  }
  std::vector<std::string> of, by, weights, gradients, directions;
  for (const Output& output : outputs) {
    of.push_back(name_of(output.statement));
    weights.push_back(literal(output.weights, statements[at(output.statement)].shape));
  }
  for (const int input : inputs) {
    by.push_back(name_of(input));
    if (request == Request::grad_of_grad)
      directions.push_back(literal(direction[at(input)], statements[at(input)].shape));
  }
  if (request == Request::backward || request == Request::backward_twice) {
    for (const int input : inputs) {
      if (!statements[at(input)].leaf()) text += fmt::format("  {}.retain_grad();\n", name_of(input));
    }
    const std::string arguments = fmt::format("{}, {}", list(of), list(weights));
    if (request == Request::backward_twice)
      text += fmt::format("  backward({}, {{.retain_graph = true}});\n", arguments);
    return text + fmt::format("  backward({});\n", arguments);
  }
  if (request == Request::grad)
    return text + fmt::format("  grad({}, {}, {}, {{.allow_unused = true}});\n", list(of), list(by), list(weights));
  text += fmt::format("  auto first = grad({}, {}, {}, {{.create_graph = true, .allow_unused = true}});\n", list(of),
                      list(by), list(weights));
  return text + fmt::format("  grad(first, {}, {}, {{.allow_unused = true}});  // those that have a gradient\n",
                            list(by), list(directions));
}

std::int64_t count_of(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

}  // namespace dagrad::random_dag
