// What was written down of a step. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/node.h"

namespace dagrad {

/// A tensor of a captured step, by where its elements lie.
struct CapturedTensor {
  enum class In : std::uint8_t {
    nothing,  // an undefined tensor
    block,    // memory that the step took
    outside,  // memory that was there before
  };
  In in = In::nothing;
  std::size_t index = 0;  // of the block, or among Recording::outside
  Shape shape;
  Strides strides;
  std::int64_t offset = 0;
  DType dtype = f32;
  NodePointer leaf = {};  // of a parameter: kernels look there for what is kept with it
  bool operator==(const CapturedTensor& other) const {
    return in == other.in && index == other.index && shape == other.shape && strides == other.strides &&
           offset == other.offset && dtype == other.dtype;
  }
};

struct Instruction {
  enum class Kind : std::uint8_t {
    kernel,    // of an op, or of what works in place
    effect,    // of anything else: its memory is its own
    draw,      // of random numbers
    constant,  // elements that no op computed, written into a block
  };
  Kind kind = Kind::kernel;
  bool grad_enabled = false, autocast = false;  // how an effect found them
  bool recomputing = false;                     // for a checkpoint
  bool goes_on = false;                         // of a draw: from where the default generator stood before the step
  const Node* leaf = nullptr;                   // of a gradient: the leaf, when it was there before the step
  std::function<bool()> still_fits = {};        // whether a replay would do what the function does; none: it would
  CapturedCall call;
  std::vector<CapturedTensor> inputs, outputs;
  std::vector<std::size_t> inside;  // blocks that the kernel takes for itself, in this order
  Tensor elements;                  // of a constant: the bytes of the whole block

  /// Like `'mul number=0.5' at model.cpp:12`.
  std::string str() const;
};

/// Memory that the step took.
struct Block {
  static constexpr std::size_t kForGood = std::numeric_limits<std::size_t>::max();
  std::size_t bytes = 0;
  std::size_t first = 0;        // the first instruction that needs it
  std::size_t last = kForGood;  // and the last one
  std::size_t writers = 0;      // how many instructions write into it
  bool computed = false;        // one of them at least is no constant
};

/// A step: the instructions in their order, and the memory that they work in.
struct Recording {
  std::vector<Instruction> instructions;
  std::vector<Block> blocks;
  std::vector<Storage::Pointer> outside;
  std::vector<bool> renewed;  // which of them may be others each time
  std::vector<CapturedTensor> outputs;
  std::shared_ptr<const std::size_t> freed_later;  // how many of the blocks were given back since
};

/// The name of an op that holds, as an attribute, a tensor made in the step, which a replay could not give it; empty
/// where none does. `recording` cannot be replayed afterwards.
std::string op_holding_a_block(Recording& recording);

/// Throws CaptureError for it.
[[noreturn]] void refuse_holder(std::string_view op);

/// Makes constants of what generators gave that stood at the same place both times: they are made, or put back, in the
/// step itself. Not of the default generator's where the step only moved it on: then it was put back outside.
void keep_draws_that_repeat(const Recording& first, Recording& second);

/// In which way `b` is another step than `a`, as far as a replay is concerned; empty where it is the same.
std::string difference(const Recording& a, const Recording& b);

}  // namespace dagrad
