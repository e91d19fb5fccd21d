#include "dagrad/core/capture/program.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/capture_error.h"
#include "dagrad/core/capture/plan.h"
#include "dagrad/core/checkpoint_frame.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad {
namespace {

using Kind = Instruction::Kind;

/// Elements that no op computed need to be written only once, where nothing else writes over them: no other
/// instruction, and between two runs nobody who finds them in a gradient.
bool stays(const Recording& recording, const Instruction& instruction) {
  if (instruction.kind != Kind::constant) return false;
  const Block& block = recording.blocks[instruction.outputs[0].index];
  return block.writers == 1 && block.last != Block::kForGood;
}

}  // namespace

Program::Program(const Recording& recording) : outside_(recording.outside), own_references_(outside_.size(), 1) {
  lay_out(recording);
  for (const Instruction& instruction : recording.instructions) {
    if (instruction.still_fits) conditions_.push_back(instruction.still_fits);
    if (stays(recording, instruction)) continue;
    Step step{instruction.kind,
              instruction.grad_enabled,
              instruction.autocast,
              instruction.recomputing,
              instruction.call,
              {},
              {},
              {},
              instruction.str()};
    for (const CapturedTensor& t : instruction.inputs) step.inputs.push_back(tensor_of(t));
    for (const CapturedTensor& t : instruction.outputs) step.outputs.push_back(tensor_of(t));
    for (const std::size_t block : instruction.inside) step.inside.push_back(blocks_[block]);
    if (instruction.kind == Kind::constant) {
      step.call.run = [elements = instruction.elements](std::span<const Tensor>, std::span<Tensor> outputs) {
        outputs[0].mutable_raw_data();  // counts the change
        std::memcpy(outputs[0].storage()->data(), elements.raw_data(), elements.bytes());
      };
    }
    steps_.push_back(std::move(step));
  }
  for (const CapturedTensor& t : recording.outputs) outputs_.push_back(tensor_of(t));
}

void Program::lay_out(const Recording& recording) {
  const std::size_t count = recording.instructions.size();
  std::vector<Tenure> tenures;
  for (const Block& block : recording.blocks) {
    // What is left at the end may still be read when the next run begins.
    const bool for_good = block.last == Block::kForGood;
    tenures.push_back({block.bytes, for_good ? 0 : block.first, for_good ? count : block.last});
  }
  std::vector<Storage::Pointer> constants(recording.blocks.size());
  for (const Instruction& instruction : recording.instructions) {
    if (!stays(recording, instruction)) continue;
    constants[instruction.outputs[0].index] = instruction.elements.storage();
    tenures[instruction.outputs[0].index].bytes = 0;
  }

  const MemoryPlan plan = plan_memory(tenures);
  bytes_ = plan.bytes;
  least_bytes_ = plan.least;
  const Storage::Pointer memory = Storage::allocate(plan.bytes);
  for (std::size_t i = 0; i < tenures.size(); ++i) {
    blocks_.push_back(constants[i] ? constants[i]
                                   : Storage::wrap(memory->data() + plan.offsets[i], recording.blocks[i].bytes,
                                                   [memory] { static_cast<void>(memory); }));
  }
}

Tensor Program::tensor_of(const CapturedTensor& t) {
  if (t.in == CapturedTensor::In::nothing) return {};
  if (t.in == CapturedTensor::In::outside) ++own_references_[t.index];
  const Storage::Pointer& storage = t.in == CapturedTensor::In::block ? blocks_[t.index] : outside_[t.index];
  Tensor result = Tensor::from_storage(storage, {t.shape, t.dtype}, t.strides, t.offset);
  if (t.leaf) result.set_node(t.leaf, 0);
  return result;
}

bool Program::still_fits() const {
  for (std::size_t i = 0; i < outside_.size(); ++i) {
    if (outside_[i]->references() <= own_references_[i]) return false;  // replaced by another, or gone
  }
  return std::all_of(conditions_.begin(), conditions_.end(), [](const auto& holds) { return holds(); });
}

void Program::run() {
  const NoGrad guard;
  const Autocast off(false);
  const MemoryFrom memory(this);
  for (Step& step : steps_) {
    if (step.kind == Kind::kernel || step.kind == Kind::constant) {
      run_kernel(step);
      continue;
    }
    const MemoryFrom allocator(nullptr);
    const GradMode grad(step.grad_enabled);
    const Autocast cast(step.autocast);
    step.call.run(step.inputs, step.outputs);
  }
}

void Program::run_kernel(Step& step) {
  running_ = &step;
  next_inside_ = 0;
  const Recomputing again(step.recomputing);
  if (watched()) {
    const RunningOp running(step.call.name, step.call.where);
    step.call.run(step.inputs, step.outputs);
  } else {
    step.call.run(step.inputs, step.outputs);
  }
  if (next_inside_ != step.inside.size()) throw_other_memory(step);
}

Storage::Pointer Program::allocate(std::size_t bytes) {
  if (next_inside_ == running_->inside.size() || running_->inside[next_inside_]->bytes() != bytes)
    throw_other_memory(*running_);
  return running_->inside[next_inside_++];
}

void Program::throw_other_memory(const Step& step) {
  throw CaptureError(fmt::format(
      "captured step: {} takes other memory than when it was captured (want shapes that do not depend on values)",
      step.text));
}

std::string Program::str() const {
  std::string text;
  for (const Step& step : steps_) text += step.text + "\n";
  return text;
}

}  // namespace dagrad
