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

/// The attributes that a later call would not find again, in words; empty where all are the same.
std::string difference(const Instruction& a, const Instruction& b, const std::vector<bool>& renewed) {
  const auto same = [&](const CapturedTensor& left, const CapturedTensor& right) {
    const bool either = left.in == CapturedTensor::In::outside && right.in == left.in && left.index == right.index &&
                        renewed[left.index];
    return either || left == right;
  };
  const auto all_same = [&](const auto& left, const auto& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), same);
  };
  if (a.kind != b.kind || a.call.name != b.call.name || a.call.attributes != b.call.attributes ||
      !all_same(a.inputs, b.inputs) || !all_same(a.outputs, b.outputs) || a.inside != b.inside)
    return fmt::format("{}, was {}", b.str(), a.str());
  if (!same_elements(a.elements, b.elements)) return fmt::format("{}, whose elements were others before", b.str());
  return {};
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
