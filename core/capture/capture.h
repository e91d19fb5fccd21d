// Writing down what a step does to tensors, so that it can be done again without the rest. For apply() and for all else
// that changes tensors; users have CapturedStep (captured_step.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "dagrad/core/tensor.h"
#include "dagrad/core/watch.h"

namespace dagrad {

class Generator;

/// Something that can be done again, to tensors that it is given.
struct CapturedCall {
  std::string_view name;  ///< an op's lives in `run`
  Location where;
  std::string attributes = {};
  std::function<void(std::span<const Tensor> inputs, std::span<Tensor> outputs)> run;
  /// What has drawn random numbers from a generator: the seed and the position that it holds, and how to move it.
  std::uint64_t seed = 0, position = 0;
  std::function<void(std::uint64_t position)> redraw = {};
};

/// The calling thread's capture. All of it may be called only while `watched(Watch::capture)`.
class Capture {
 public:
  /// Runs `kernel`, which may allocate and must change nothing but `outputs`; a replay runs `call` in its place.
  static void run(CapturedCall call, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs,
                  const std::function<void()>& kernel);
  /// The same for a kernel that makes its results, which it returns.
  static void make(CapturedCall call, std::span<const Tensor* const> inputs,
                   const std::function<std::span<const Tensor>()>& kernel);
  /// Runs `f`, which reads `inputs` and writes into `outputs` outside of an op; a replay runs it on the step's tensors.
  using Function = std::function<void(std::span<const Tensor> inputs, std::span<Tensor> outputs)>;
  static void on(std::string_view name, std::span<const Tensor> inputs, std::span<Tensor> outputs, Function f);
  /// Runs `effect`, which may do anything, with memory that it may keep; a replay runs it again.
  static void effect(std::string_view name, Location where, const std::function<void()>& effect);
  /// `copy` is kept with a leaf and has just been brought up to date; a replay runs `renew` before `copy` is read.
  static void renewal(const Tensor& copy, std::function<void()> renew);
  /// Whether the elements of `t` were taken in this step.
  static bool took(const Tensor& t);
  /// The leaf's gradient is about to become `gradient`.
  static void gradient(Node& leaf, const Tensor& gradient);
  /// Adds `gradient` to what the leaf had before the step.
  static void addition(Node& leaf, const Tensor& gradient);
  /// `generator` has handed out blocks from `first` on.
  static void draw(Generator& generator, std::uint64_t blocks, std::uint64_t first);
  /// How many references of its own the capture has to elements that were there before it.
  static std::uint32_t references_to(const Storage& storage);
  /// For a replay: throws UsageError unless the op made results of the shapes that it made before.
  static void check_shapes(std::string_view op, std::span<const Tensor> made, std::span<const Tensor> before);
  /// Throws UsageError: `what` cannot be done in a captured step.
  [[noreturn]] static void refuse(std::string_view what, std::string_view want);
};

/// Does `effect` (a counter, a log, a change of tensors that no op makes) now and, where the calling thread captures a
/// step, again whenever the step is replayed. What it refers to must live as long as the step. The optimizers' steps,
/// clipping, schedules and averages of weights are such effects already.
/// Gives what the effect gives; after the capture nobody sees it. `name` must live as long as the program.
template <class F>
auto each_replay(std::string_view name, F effect, Location where = Location::current()) {
  using Result = std::invoke_result_t<F&>;
  if (!watched(Watch::capture)) [[likely]]
    return effect();
  if constexpr (std::is_void_v<Result>) {
    Capture::effect(name, where, effect);
  } else {
    const auto result = std::make_shared<Result>();
    Capture::effect(name, where, [result, effect]() mutable { *result = effect(); });
    return *result;
  }
}

}  // namespace dagrad
