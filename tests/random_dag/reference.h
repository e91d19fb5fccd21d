// The slow reference: a program evaluated element by element, and differentiated once for each element of each input.
#pragma once

#include <optional>
#include <vector>

#include "random_dag/program.h"

namespace dagrad::random_dag {

/// The elements of the result of a statement, given those of its operands.
std::vector<double> evaluate(const Statement& statement, const std::vector<const std::vector<double>*>& operands);

/// Whether all of its formulas are smooth there, and its values of a size that loses few digits.
bool is_regular(const Statement& statement, const std::vector<const std::vector<double>*>& operands,
                const std::vector<double>& result);

/// The values of all statements; none when one of them is not regular.
std::optional<std::vector<std::vector<double>>> evaluate(const Program& program);

/// A derivative, with the sum of the absolute values of what is added up to make it.
struct Derivative {
  double value = 0, magnitude = 0;
};

/// What the program's request asks for: for each of its inputs the derivative of sum_k weights[k] . outputs[k] by each
/// of its elements, or the second derivative by that and along the program's direction.
std::vector<std::vector<Derivative>> derivatives(const Program& program);

}  // namespace dagrad::random_dag
