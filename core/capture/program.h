// A captured step, ready to run. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dagrad/core/capture/recording.h"
#include "dagrad/core/memory_source.h"

namespace dagrad {

/// The instructions of a step with tensors in memory that was laid out beforehand.
class Program final : private MemorySource {
 public:
  explicit Program(const Recording& recording);

  /// Whether a replay would do what the function does, as far as generators and the tensors that it reads tell.
  bool still_fits() const;
  /// Does the step. Throws what a kernel throws, and CaptureError when one asks for other memory than it did before.
  void run();
  /// What the step returned; the next run writes over it.
  std::span<const Tensor> outputs() const { return outputs_; }
  std::size_t instructions() const { return steps_.size(); }
  /// Of the memory that the step works in, without what was there before.
  std::size_t bytes() const { return bytes_; }
  /// Below which no layout of that memory could go.
  std::size_t least_bytes() const { return least_bytes_; }
  /// The instructions, one a line.
  std::string str() const;

 private:
  struct Step {
    Instruction::Kind kind;
    bool grad_enabled, autocast, recomputing;
    CapturedCall call;
    std::vector<Tensor> inputs, outputs;
    std::vector<Storage::Pointer> inside;
    std::string text;
  };

  void lay_out(const Recording& recording);
  Tensor tensor_of(const CapturedTensor& t);
  Storage::Pointer allocate(std::size_t bytes) override;
  void run_kernel(Step& step);
  [[noreturn]] static void throw_other_memory(const Step& step);

  std::vector<Storage::Pointer> blocks_;       // of the recording
  std::vector<Storage::Pointer> outside_;      // memory that was there before
  std::vector<std::uint32_t> own_references_;  // to each of these
  std::vector<std::function<bool()>> conditions_;
  std::vector<Step> steps_;
  std::vector<Tensor> outputs_;
  std::size_t bytes_ = 0, least_bytes_ = 0;
  Step* running_ = nullptr;
  std::size_t next_inside_ = 0;
};

}  // namespace dagrad
