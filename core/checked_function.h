// What gradcheck works on: a function with the inputs and outputs that are to be checked. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dagrad/core/gradcheck.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// An input that requires a gradient.
struct CheckedInput {
  std::size_t input;
  Tensor tensor;
  std::vector<std::int64_t> elements;  // to be checked: row-major positions
};

/// A floating output, and the rows of the Jacobian that it makes.
struct CheckedOutput {
  std::size_t output;
  Shape shape;
  bool recorded;                       // whether it requires a gradient
  std::vector<std::int64_t> elements;  // to be checked: row-major positions
  std::size_t first_row;
};

/// Runs the function and keeps book of what it should be.
class CheckedFunction {
 public:
  /// Checks the inputs; see gradcheck() for what it throws. `check_unrecorded`: outputs that require no gradient are
  /// constants, which is checked.
  CheckedFunction(std::string caller, const GradcheckFunction& function, const std::vector<Tensor>& inputs,
                  const GradcheckOptions& options, bool check_unrecorded);

  /// Runs it for the first time, from which the outputs to check are known.
  void start();
  /// The tensors of outputs(), recorded anew. Throws UsageError when they are no longer of the shapes seen by start().
  std::vector<Tensor> run() const;
  /// Runs it on copies of the inputs that are 1% larger, so that whatever it keeps between calls is overwritten.
  void run_elsewhere() const;
  /// The values of all rows.
  std::vector<double> values() const { return rows_of(run()); }
  std::vector<double> rows_of(const std::vector<Tensor>& outputs) const;

  const std::vector<CheckedInput>& inputs() const { return checked_inputs_; }
  const std::vector<CheckedOutput>& outputs() const { return checked_outputs_; }
  std::vector<Tensor> input_tensors() const;
  std::size_t row_count() const { return row_count_; }
  /// The index of the first input whose elements are no longer those it had at the start.
  std::optional<std::size_t> changed_input() const;

 private:
  std::string caller_;
  const GradcheckFunction& function_;
  const std::vector<Tensor>& all_inputs_;
  GradcheckOptions options_;
  bool check_unrecorded_;
  std::vector<CheckedInput> checked_inputs_;
  std::vector<CheckedOutput> checked_outputs_;
  std::size_t row_count_ = 0;
  std::vector<std::vector<std::byte>> contents_;
};

/// The offset in the storage of the element at a row-major position.
std::int64_t offset_at(const Tensor& t, std::int64_t position);

/// The bytes of all elements in row-major order.
std::vector<std::byte> bytes_of(const Tensor& t);

}  // namespace dagrad
