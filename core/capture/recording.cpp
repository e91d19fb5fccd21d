#include "dagrad/core/capture/recording.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace dagrad {
namespace {

bool same_elements(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  return !a.defined() || (a.bytes() == b.bytes() && std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0);
}

/// Which of `b` is not where the same of `a` was; empty where all are.
std::string difference(std::string_view what, const std::vector<CapturedTensor>& a,
                       const std::vector<CapturedTensor>& b, const std::vector<bool>& renewed) {
  if (a.size() != b.size()) return fmt::format("{} {}s, were {}", b.size(), what, a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both_renewed =
        a[i].in == CapturedTensor::In::outside && b[i].in == a[i].in && a[i].index == b[i].index && renewed[b[i].index];
    if (a[i] == b[i] || both_renewed) continue;
    if (a[i].shape != b[i].shape || a[i].dtype != b[i].dtype)
      return fmt::format("{} {} is {} {}, was {} {}", what, i, name_of(b[i].dtype), b[i].shape.str(),
                         name_of(a[i].dtype), a[i].shape.str());
    return fmt::format("{} {} lies in other memory", what, i);
  }
  return {};
}

/// What a replay of `a` would do otherwise than `b`; empty where it is nothing.
std::string difference(const Instruction& a, const Instruction& b, const std::vector<bool>& renewed) {
  if (a.kind != b.kind || a.call.name != b.call.name || a.call.attributes != b.call.attributes)
    return fmt::format("{}, was {}", b.str(), a.str());
  std::string part = difference("input", a.inputs, b.inputs, renewed);
  if (part.empty()) part = difference("result", a.outputs, b.outputs, renewed);
  if (part.empty() && a.inside != b.inside) part = "its kernel takes other memory";
  if (part.empty() && !same_elements(a.elements, b.elements)) part = "its elements were others";
  return part.empty() ? part : fmt::format("{}: {}", b.str(), part);
}

}  // namespace

std::string Instruction::str() const {
  std::string text = fmt::format("'{}{}{}'", call.name, call.attributes.empty() ? "" : " ", call.attributes);
  if (kind == Kind::constant) text = "a tensor that no op computed";
  for (const CapturedTensor& t : kind == Kind::constant ? outputs : inputs) {
    if (t.in != CapturedTensor::In::nothing) text += fmt::format(" {} {}", name_of(t.dtype), t.shape.str());
  }
  if (call.where.line != 0) text += fmt::format(" at {}:{}", call.where.file, call.where.line);
  return text;
}

std::string op_holding_a_block(Recording& recording) {
  for (Instruction& instruction : recording.instructions) {
    if (instruction.kind != Instruction::Kind::kernel) continue;
    const std::string name(instruction.call.name);  // which the op may own
    const std::size_t before = *recording.freed_later;
    instruction.call = {};
    if (*recording.freed_later != before) return name;
  }
  return {};
}

void keep_draws_that_repeat(const Recording& first, Recording& second) {
  for (std::size_t i = 0; i < second.instructions.size(); ++i) {
    Instruction& instruction = second.instructions[i];
    if (instruction.kind == Instruction::Kind::draw && instruction.call.position == first.instructions[i].call.position)
      instruction.call.run = [](std::span<const Tensor>, std::span<Tensor>) {};
  }
}

std::string difference(const Recording& a, const Recording& b) {
  for (std::size_t i = 0; i < std::min(a.instructions.size(), b.instructions.size()); ++i) {
    const std::string text = difference(a.instructions[i], b.instructions[i], b.renewed);
    if (!text.empty()) return fmt::format("step {} is {}", i, text);
  }
  if (a.instructions.size() != b.instructions.size())
    return fmt::format("{} steps, were {}", b.instructions.size(), a.instructions.size());
  for (std::size_t i = 0; i < a.outside.size(); ++i) {
    if (a.outside[i] != b.outside[i] && !b.renewed[i])
      return "it works on tensors that the function made anew outside of ops";
  }
  if (a.outputs != b.outputs) return "its results are others";
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    if (a.blocks[i].bytes != b.blocks[i].bytes) return "it takes other memory";
  }
  return {};
}

}  // namespace dagrad
