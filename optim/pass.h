// One pass over the memory of all parameters of a step: what it visits.
//
// All parameters of a step lie one after the other in one range of numbers, which is split over the threads: a large
// tensor is shared by several, and many small ones cost one fork. An update rule (in its optimizer's file) reads
// parameter, gradient and states once and writes parameter and states once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dagrad/core/dtype.h"

namespace dagrad::optim {

/// The most state tensors that a rule has.
inline constexpr std::size_t kMaxStates = 3;

/// How far a parameter has come.
struct Progress {
  std::int64_t steps = 0;  ///< updates, this one included
  double product = 1;      ///< of a factor per step, for the rules that need one
  bool fresh = false;      ///< in this step a state began at its initial value
};

enum class PassTypes : std::uint8_t { f32, f64, f32_from_bf16 };

/// One parameter's part of the range.
struct PassItem {
  std::int64_t begin = 0;  ///< where it starts in the range
  std::int64_t count = 0;  ///< its elements
  PassTypes types = PassTypes::f32;
  void* parameter = nullptr;  ///< or its f32 master copy
  const void* gradient = nullptr;
  std::array<void*, kMaxStates> states = {};
  BFloat16* copy = nullptr;  ///< takes the new parameter rounded to bf16, where not null
  const void* options = nullptr;
  Progress progress;
  double grad_scale = 1;
};

/// All items of a step, in the order of `begin`.
class Pass {
 public:
  void clear();
  /// Places the item at the end of the range.
  void add(PassItem item);

  const std::vector<PassItem>& items() const { return items_; }
  /// The index of the item that `position` of the range lies in.
  std::size_t item_at(std::int64_t position) const;

  using Kernel = void (*)(const Pass& pass, std::int64_t begin, std::int64_t end);
  /// Runs `kernel` over the range, on as many threads as pay.
  void run(Kernel kernel) const;

 private:
  std::vector<PassItem> items_;
  std::int64_t size_ = 0;
};

}  // namespace dagrad::optim
