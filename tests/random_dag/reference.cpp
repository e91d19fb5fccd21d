#include "random_dag/reference.h"

#include <boost/container/small_vector.hpp>

namespace dagrad::random_dag {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
using Operands = std::vector<const std::vector<T>*>;

template <class T>
std::vector<T> evaluate_on(const Statement& statement, const Operands<T>& operands) {
  const auto element = [&](const Place& place) -> const T& { return (*operands[at(place.operand)])[at(place.at)]; };
  std::vector<T> result(at(count_of(statement.shape)), T(0.0));
  for (const Term& term : statement.meaning.sum) {
    T product = element(term.a);
    if (term.b.operand >= 0) product = product * element(term.b);
    T& sum = result[at(term.to)];
    sum = sum + (term.factor == 1 ? product : product * T(term.factor));
  }
  boost::container::small_vector<T, 16> x;
  for (std::size_t i = 0; i < statement.meaning.arguments.size(); ++i) {
    x.clear();
    for (const Place& place : statement.meaning.arguments[i]) x.push_back(element(place));
    result[i] = statement.meaning.formula(std::span<const T>(x.data(), x.size()));
  }
  return result;
}

/// The sum of the weighed outputs, when the elements of leaves are made by at_leaf(statement, element), and `change`
/// may then change the results of each statement.
template <class T, class Leaf, class Change>
T weighed_sum(const Program& program, const Leaf& at_leaf, const Change& change) {
  std::vector<std::vector<T>> results;
  results.reserve(program.statements.size());
  Operands<T> operands;
  for (std::size_t s = 0; s < program.statements.size(); ++s) {
    const Statement& statement = program.statements[s];
    operands.clear();
    for (const int operand : statement.operands) operands.push_back(&results[at(operand)]);
    if (statement.leaf()) {
      std::vector<T>& elements = results.emplace_back();
      for (std::size_t e = 0; e < statement.values.size(); ++e) elements.push_back(at_leaf(s, e));
    } else {
      results.push_back(evaluate_on<T>(statement, operands));
    }
    change(s, results.back());
  }
  T total = 0.0;
  for (const Output& output : program.outputs) {
    const std::vector<T>& elements = results[at(output.statement)];
    for (std::size_t e = 0; e < elements.size(); ++e) total = total + T(output.weights[e]) * elements[e];
  }
  return total;
}

/// The derivative by element `e` of statement `s`; of magnitudes where T has these.
template <class T>
double first(const Program& program, std::size_t s, std::size_t e) {
  return weighed_sum<T>(
             program,
             [&](std::size_t leaf, std::size_t element) { return T(program.statements[leaf].values[element]); },
             [&](std::size_t statement, std::vector<T>& results) {
               if (statement == s) results[e].slope = results[e].slope + 1;
             })
      .slope;
}

/// The derivative of that by the leaves along the program's direction.
template <class T, bool kMagnitudes>
double second(const Program& program, std::size_t s, std::size_t e) {
  return weighed_sum<Dual<T, kMagnitudes>>(
             program,
             [&](std::size_t leaf, std::size_t element) {
               const T value(program.statements[leaf].values[element], leaf == s && element == e ? 1 : 0);
               const std::vector<double>& direction = program.direction[leaf];
               const double step = direction.empty() ? 0 : direction[element];
               return Dual<T, kMagnitudes>(value, T(kMagnitudes ? std::fabs(step) : step));
             },
             [](std::size_t, std::vector<Dual<T, kMagnitudes>>&) {})
      .slope.slope;
}

}  // namespace

std::vector<double> evaluate(const Statement& statement, const std::vector<const std::vector<double>*>& operands) {
  return evaluate_on<double>(statement, operands);
}

bool is_regular(const Statement& statement, const std::vector<const std::vector<double>*>& operands,
                const std::vector<double>& result) {
  constexpr double kLargest = 12;
  for (const double value : result) {
    if (!(std::fabs(value) <= kLargest)) return false;
  }
  if (statement.meaning.regular == nullptr) return true;
  std::vector<double> x;
  for (const std::vector<Place>& arguments : statement.meaning.arguments) {
    x.clear();
    for (const Place& place : arguments) x.push_back((*operands[at(place.operand)])[at(place.at)]);
    if (!statement.meaning.regular(x)) return false;
  }
  return true;
}

std::optional<std::vector<std::vector<double>>> evaluate(const Program& program) {
  std::vector<std::vector<double>> results;
  results.reserve(program.statements.size());
  for (const Statement& statement : program.statements) {
    std::vector<const std::vector<double>*> operands;
    for (const int operand : statement.operands) operands.push_back(&results[at(operand)]);
    results.push_back(statement.leaf() ? statement.values : evaluate(statement, operands));
    if (!is_regular(statement, operands, results.back())) return std::nullopt;
  }
  return results;
}

std::vector<std::vector<Derivative>> derivatives(const Program& program) {
  std::vector<std::vector<Derivative>> result;
  for (const int input : program.inputs) {
    std::vector<Derivative>& of_input = result.emplace_back();
    const std::size_t s = at(input);
    for (std::size_t e = 0; e < at(count_of(program.statements[s].shape)); ++e) {
      if (program.request == Request::grad_of_grad)
        of_input.push_back({second<First, false>(program, s, e), second<FirstMagnitude, true>(program, s, e)});
      else
        of_input.push_back({first<First>(program, s, e), first<FirstMagnitude>(program, s, e)});
    }
  }
  return result;
}

}  // namespace dagrad::random_dag
