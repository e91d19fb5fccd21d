// Random programs.
#pragma once

#include "random_dag/kind.h"

namespace dagrad::random_dag {

struct GenerateOptions {
  int most_calls = 20;
  std::int64_t most_elements = 24;  // of a result
  double grad_of_grad = 0.2;        // the share of programs that ask for second derivatives
};

/// A program that depends on the seed, the kinds and the options alone, and all of whose formulas are smooth at its
/// values. Its graph has leaves with and without gradient, results that are used once, several times and never,
/// several outputs, and inputs that are leaves or results.
Program generate(std::uint64_t seed, const std::vector<Kind>& kinds, const GenerateOptions& options = {});

}  // namespace dagrad::random_dag
