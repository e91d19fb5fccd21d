// What random programs are like: a test of graphs that all look the same, or whose gradients are zero, proves little.
#include "random_dag/generate.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "random_dag/reference.h"

namespace dagrad::random_dag {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr int kPrograms = 2000;

/// Whether each statement has a part in the gradients.
std::vector<bool> contributing(const Program& program) {
  std::vector<bool> used(program.statements.size(), false);
  for (const Output& output : program.outputs) used[at(output.statement)] = true;
  for (std::size_t i = used.size(); i-- > 0;) {
    const Statement& statement = program.statements[i];
    for (std::size_t k = at(statement.conditions); used[i] && k < statement.operands.size(); ++k)
      used[at(statement.operands[k])] = true;
  }
  const std::vector<bool> differentiable = program.differentiable();
  for (std::size_t i = 0; i < used.size(); ++i) used[i] = used[i] && differentiable[i];
  return used;
}

/// In how many of the programs `property` is found.
template <class Property>
double share_with(const Property& property) {
  int found = 0;
  for (int seed = 0; seed < kPrograms; ++seed)
    found += property(generate(static_cast<std::uint64_t>(seed), all_kinds()));
  return static_cast<double>(found) / kPrograms;
}

TEST(Generate, TakesEveryKindOfCallManyTimes) {
  std::map<const Kind*, int> counts;
  std::map<const Kind*, std::string> texts;
  for (int seed = 0; seed < kPrograms; ++seed) {
    const Program program = generate(static_cast<std::uint64_t>(seed), all_kinds());
    const std::vector<bool> used = contributing(program);
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i]) ++counts[program.statements[i].kind];
      texts[program.statements[i].kind] = program.statements[i].text;
    }
  }
  for (const Kind& kind : all_kinds()) {
    if (texts[&kind] == "#0.detach()") continue;
    EXPECT_GE(counts[&kind], 5) << texts[&kind];
  }
}

TEST(Generate, UsesResultsSeveralTimes) {
  EXPECT_GT(share_with([](const Program& program) {
              const std::vector<bool> used = contributing(program);
              std::vector<int> uses(used.size(), 0);
              for (std::size_t i = 0; i < used.size(); ++i) {
                if (!used[i]) continue;
                for (const int operand : program.statements[i].operands) ++uses[at(operand)];
              }
              return *std::max_element(uses.begin(), uses.end()) > 1;
            }),
            0.4);
}

TEST(Generate, PassesATensorTwiceToACall) {
  EXPECT_GT(share_with([](const Program& program) {
              const std::vector<bool> used = contributing(program);
              for (std::size_t i = 0; i < used.size(); ++i) {
                const auto& operands = program.statements[i].operands;
                if (used[i] && std::set(operands.begin(), operands.end()).size() < operands.size()) return true;
              }
              return false;
            }),
            0.2);
}

TEST(Generate, AsksForGradientsOfSeveralOutputs) {
  EXPECT_GT(share_with([](const Program& program) { return program.outputs.size() > 1; }), 0.5);
}

TEST(Generate, AsksForSecondDerivatives) {
  EXPECT_GT(share_with([](const Program& program) { return program.request == Request::grad_of_grad; }), 0.15);
}

TEST(Generate, HasGradientsThatAreNotZero) {
  EXPECT_GT(share_with([](const Program& program) {
              for (const auto& of_input : derivatives(program)) {
                for (const Derivative& derivative : of_input) {
                  if (derivative.value != 0) return true;
                }
              }
              return false;
            }),
            0.7);
}

TEST(Generate, GivesTheSameProgramForTheSameSeed) {
  EXPECT_EQ(generate(7, all_kinds()).str(), generate(7, all_kinds()).str());
  EXPECT_NE(generate(7, all_kinds()).str(), generate(8, all_kinds()).str());
}

}  // namespace
}  // namespace dagrad::random_dag
