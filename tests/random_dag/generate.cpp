#include "random_dag/generate.h"

#include <algorithm>

#include "random_dag/reference.h"

namespace dagrad::random_dag {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

class Generator {
 public:
  Generator(std::uint64_t seed, const std::vector<Kind>& kinds, const GenerateOptions& options)
      : random_(seed), kinds_(kinds), options_(options) {}

  Program run() {
    do {
      program_ = {};
      values_.clear();
      grow();
    } while (!choose_outputs());
    choose_request();
    return std::move(program_);
  }

 private:
  void grow() {
    for (std::int64_t leaves = random_.between(1, 3); leaves > 0; --leaves) add_leaf();
    for (std::int64_t calls = random_.between(1, options_.most_calls); calls > 0; --calls) {
      if (random_.chance(0.1)) add_leaf();
      for (int attempt = 0; attempt < 20 && !add_call(); ++attempt) {
      }
    }
  }

  void add_leaf() {
    Statement leaf;
    for (std::int64_t rank = random_.between(0, 3); rank > 0; --rank)
      leaf.shape.push_back(random_.chance(0.02) ? 0 : random_.one_of(std::vector<std::int64_t>{1, 2, 2, 3}));
    leaf.values = random_.numbers(count_of(leaf.shape));
    leaf.requires_grad = random_.chance(0.8);
    values_.push_back(leaf.values);
    program_.statements.push_back(std::move(leaf));
  }

  /// One of the last results more often than not: graphs become deep, and operands meet again.
  int operand() {
    const auto count = static_cast<std::int64_t>(program_.statements.size());
    return static_cast<int>(random_.chance(0.5) ? std::max<std::int64_t>(0, count - random_.between(1, 3))
                                                : random_.below(count));
  }

  bool add_call() {
    const Kind& kind = random_.one_of(kinds_);
    for (int attempt = 0; attempt < 30; ++attempt) {
      std::vector<int> operands;
      std::vector<Shape> shapes;
      std::vector<const std::vector<double>*> values;
      for (int k = 0; k < kind.operands; ++k) {
        operands.push_back(operand());
        shapes.push_back(program_.statements[at(operands.back())].shape);
        values.push_back(&values_[at(operands.back())]);
      }
      const std::uint64_t seed = random_.bits();
      Random attributes(seed);
      auto statement = kind.make(shapes, attributes);
      if (!statement || count_of(statement->shape) > options_.most_elements || statement->shape.rank() > 4) continue;
      statement->operands = operands;
      statement->kind = &kind;
      statement->seed = seed;
      std::vector<double> result = evaluate(*statement, values);
      if (!is_regular(*statement, values, result)) continue;
      program_.statements.push_back(std::move(*statement));
      values_.push_back(std::move(result));
      return true;
    }
    return false;
  }

  /// Up to three results with a gradient, the last one always.
  bool choose_outputs() {
    const std::vector<bool> differentiable = program_.differentiable();
    std::vector<int> candidates;
    for (std::size_t i = 0; i < differentiable.size(); ++i) {
      if (differentiable[i]) candidates.push_back(static_cast<int>(i));
    }
    if (candidates.empty()) return false;
    std::vector<int> chosen{candidates.back()};
    for (std::int64_t more = random_.between(0, 2); more > 0; --more) chosen.push_back(random_.one_of(candidates));
    for (const int output : chosen)
      program_.outputs.push_back({output, random_.numbers(count_of(program_.statements[at(output)].shape))});
    return true;
  }

  void choose_request() {
    Program& program = program_;
    program.request = random_.chance(options_.grad_of_grad)
                          ? Request::grad_of_grad
                          : random_.one_of(std::vector{Request::grad, Request::backward, Request::backward_twice});
    program.direction.resize(program.statements.size());
    const std::vector<bool> differentiable = program.differentiable();
    for (std::size_t i = 0; i < program.statements.size(); ++i) {
      const Statement& statement = program.statements[i];
      const bool leaf = statement.requires_grad;
      if (leaf && program.request == Request::grad_of_grad)
        program.direction[i] = random_.numbers(count_of(statement.shape));
      // The second derivative by a result and by what it is made of is not defined: a kernel may have saved either.
      const bool result = program.request != Request::grad_of_grad && differentiable[i] && random_.chance(0.1);
      if (leaf || result) program.inputs.push_back(static_cast<int>(i));
    }
  }

  Random random_;
  const std::vector<Kind>& kinds_;
  const GenerateOptions& options_;
  Program program_;
  std::vector<std::vector<double>> values_;
};

}  // namespace

Program generate(std::uint64_t seed, const std::vector<Kind>& kinds, const GenerateOptions& options) {
  return Generator(seed, kinds, options).run();
}

}  // namespace dagrad::random_dag
