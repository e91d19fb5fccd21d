#include "dagrad/core/checked_function.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <limits>
#include <numeric>
#include <set>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/node.h"
#include "dagrad/core/overlap.h"
#include "dagrad/core/random.h"

namespace dagrad {
namespace {

void check_input(const std::string& caller, std::size_t i, const Tensor& input) {
  if (input.dtype() != f64) {
    throw DTypeError(fmt::format("{}: input {} is {} (want f64: finite differences lose half of the digits)", caller, i,
                                 name_of(input.dtype())));
  }
  if (!input.is_leaf()) {
    throw UsageError(
        fmt::format("{}: input {}, shape {}, is a result of '{}' (want a leaf: detach() and "
                    "requires_grad_())",
                    caller, i, input.shape().str(), input.node()->name()));
  }
  if (overlaps_itself(input)) {
    throw UsageError(fmt::format("{}: elements of input {} overlap: shape {}, strides {} (want an own place for each)",
                                 caller, i, input.shape().str(), input.strides().str()));
  }
}

/// All positions, or `most` of them in rising order.
std::vector<std::int64_t> choose(std::int64_t count, std::int64_t most, Generator& generator) {
  if (most <= 0 || count <= most) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  std::set<std::int64_t> chosen;  // Floyd's sampling without replacement
  for (std::int64_t last = count - most; last < count; ++last) {
    const auto draw = static_cast<std::int64_t>(generator.next_below(static_cast<std::uint64_t>(last) + 1));
    if (!chosen.insert(draw).second) chosen.insert(last);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace

CheckedFunction::CheckedFunction(std::string caller, const GradcheckFunction& function,
                                 const std::vector<Tensor>& inputs, const GradcheckOptions& options,
                                 bool check_unrecorded)
    : caller_(std::move(caller)),
      function_(function),
      all_inputs_(inputs),
      options_(options),
      check_unrecorded_(check_unrecorded) {
  Generator generator = Generator(options.seed).fork(1);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    const auto is_this = [&](const CheckedInput& other) { return other.tensor.node() == inputs[i].node(); };
    if (std::any_of(checked_inputs_.begin(), checked_inputs_.end(), is_this)) continue;
    check_input(caller_, i, inputs[i]);
    checked_inputs_.push_back({i, inputs[i], choose(inputs[i].numel(), options.max_elements, generator)});
  }
  if (checked_inputs_.empty()) {
    throw UsageError(fmt::format("{}: none of {} inputs requires a gradient (want requires_grad_() on those to check)",
                                 caller_, inputs.size()));
  }
  for (const CheckedInput& checked : checked_inputs_) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& other = inputs[i];
      if (!other.defined() || other.node() == checked.tensor.node() || !share_memory(checked.tensor, other)) continue;
      throw UsageError(
          fmt::format("{}: inputs {} and {} share memory, so differences move both (want a copy, or the "
                      "very same tensor)",
                      caller_, checked.input, i));
    }
  }
  for (const Tensor& input : inputs) contents_.push_back(bytes_of(input));
}

void CheckedFunction::start() {
  Generator generator = Generator(options_.seed).fork(2);
  const std::vector<Tensor> outputs = function_(all_inputs_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    if (!output.defined() || !is_floating(output.dtype())) continue;
    if (!output.requires_grad() && !check_unrecorded_) continue;
    if (output.dtype() != f64) {
      throw DTypeError(fmt::format("{}: output {} is {} (want f64: finite differences lose half of the digits)",
                                   caller_, i, name_of(output.dtype())));
    }
    checked_outputs_.push_back({i, output.shape(), output.requires_grad(),
                                choose(output.numel(), options_.max_elements, generator), row_count_});
    row_count_ += checked_outputs_.back().elements.size();
  }
}

std::vector<Tensor> CheckedFunction::run() const {
  const std::vector<Tensor> all = function_(all_inputs_);
  std::vector<Tensor> outputs;
  for (const CheckedOutput& checked : checked_outputs_) {
    if (checked.output >= all.size() || !all[checked.output].defined() ||
        all[checked.output].shape() != checked.shape || all[checked.output].dtype() != f64) {
      throw UsageError(fmt::format("{}: output {} was f64 {} and no longer is (want the same shapes at every call)",
                                   caller_, checked.output, checked.shape.str()));
    }
    outputs.push_back(all[checked.output]);
  }
  return outputs;
}

void CheckedFunction::run_elsewhere() const {
  std::vector<Tensor> copies;
  for (const Tensor& input : all_inputs_) {
    copies.push_back(input);
    if (!input.requires_grad()) continue;
    std::vector<double> values = input.to_vector<double>();
    for (double& value : values) value *= 1.01;
    copies.back() = tensor(values, input.shape()).requires_grad_();
  }
  try {
    (void)function_(copies);
  } catch (const std::exception&) {
    // The other values may lie outside of its domain.
  }
}

std::vector<double> CheckedFunction::rows_of(const std::vector<Tensor>& outputs) const {
  std::vector<double> rows;
  rows.reserve(row_count_);
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const std::vector<double> values = outputs[o].to_vector<double>();
    for (const std::int64_t element : checked_outputs_[o].elements)
      rows.push_back(values[static_cast<std::size_t>(element)]);
  }
  return rows;
}

std::vector<Tensor> CheckedFunction::input_tensors() const {
  std::vector<Tensor> tensors;
  for (const CheckedInput& input : checked_inputs_) tensors.push_back(input.tensor);
  return tensors;
}

std::optional<std::size_t> CheckedFunction::changed_input() const {
  for (std::size_t i = 0; i < all_inputs_.size(); ++i) {
    if (bytes_of(all_inputs_[i]) != contents_[i]) return i;
  }
  return std::nullopt;
}

std::int64_t offset_at(const Tensor& t, std::int64_t position) {
  const Shape index = index_at(t.shape(), position);
  std::int64_t offset = t.offset();
  for (int axis = 0; axis < t.dim(); ++axis) offset += index[axis] * t.strides()[axis];
  return offset;
}

std::vector<std::byte> bytes_of(const Tensor& t) {
  if (!t.defined()) return {};
  const Tensor dense = contiguous_data(t);
  const auto* const begin = static_cast<const std::byte*>(dense.raw_data());
  return {begin, begin + dense.bytes()};
}

}  // namespace dagrad
