// A step that is done again and again, without what need not be done again.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/capture/capture_error.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// What CapturedStep does, whatever the function's type.
class CapturedCalls {
 public:
  /// One step for inputs of certain shapes.
  struct Variant {
    std::size_t replays = 0;
    std::size_t instructions = 0;   ///< of a replay; 0 until it is captured
    std::size_t planned_bytes = 0;  ///< of memory, laid out beforehand, that a replay works in
    std::size_t least_bytes = 0;    ///< that any layout would take: what is in use at one time
  };

  CapturedCalls(TensorFunction function, std::size_t max_variants);
  ~CapturedCalls();
  CapturedCalls(CapturedCalls&&) noexcept;
  CapturedCalls& operator=(CapturedCalls&&) noexcept;

  std::vector<Tensor> call(std::span<const Tensor> inputs);
  /// The variants in the order of their first calls.
  std::vector<Variant> variants() const;
  /// What a replay does, an instruction a line, for each variant.
  std::string str() const;
  /// Forgets all: the next calls run the function again, and capture it anew.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A function of tensors, a whole training step as a rule, that computes the same as when it is called as it stands and
/// after a few calls costs its kernels only: no graph is recorded or walked, no shape inferred, no memory asked for.
///
///   CapturedStep step([&](const Tensor& x, const Tensor& y) {
///     optimizer.zero_grad();
///     Tensor loss = nn::cross_entropy(model(x), y);
///     loss.backward();
///     optimizer.step();
///     return loss;
///   });
///   for (const auto& [x, y] : batches) std::cout << step(x, y).item<float>() << '\n';
///
/// For inputs of given shapes, types and layouts the first call runs the function, the second and the third run it and
/// write down its kernels, and compare; later calls copy their inputs to where the captured ones lay and run the
/// kernels alone, with the same results to the last bit. Each such variant has memory of its own, laid out so that
/// blocks which are never needed at the same time share it; from `max_variants` on, the function is called as it
/// stands. So it is where ops are watched (anomaly mode, verify mode).
///
/// What makes a replay: ops, with fresh random numbers where they draw some; fill_, copy_ and the like; gradients that
/// are set, cleared or added up; optimizers' steps, clipping, schedules, averages of weights; each_replay(), whose
/// effect must refer to nothing made in the step. Everything else (control flow, numbers, prints, hooks,
/// requires_grad_() of single tensors) happened when the step was captured and stays so: call reset() where it changes.
///
/// Where that can be noticed the second or the third call throws CaptureError, a UsageError: elements that are read
/// (item()), random numbers drawn outside of ops, tensors changed by mutable_data(), inputs changed in place, tensors
/// that the function keeps, parameters frozen in the step, attributes, shapes or constants that are others in the third
/// call than in the second. Where results' sizes depend on values, a replay throws. A changed number that is no op's
/// attribute (one that a custom op's function holds, for one) goes unnoticed, and so does any that changes after the
/// third call.
///
/// Between calls, modules may change their mode: train() and eval() make variants of their own. The step is captured
/// anew after a generator was given another seed, a module's parameters were frozen, thawed or replaced
/// (requires_grad_(), to()), or nobody holds a tensor any more that the function reads.
///
/// The function finds its inputs contiguous (or channels-last), whatever strides they come with. Returned tensors are
/// copies without a history. Gradients lie in the step's memory, which a replay writes over, and so do its copies of
/// the inputs, which the function must not keep. What the function refers to must live as long as the step. Inputs must
/// not require gradients. Not for several threads at once; one after the other may call.
template <class F>
class CapturedStep : public CapturedCalls {
 public:
  explicit CapturedStep(F function, std::size_t max_variants = 8)
      : CapturedCalls(TensorFunction(std::move(function)), max_variants) {}

  /// A step: the function's result, a Tensor or a std::vector<Tensor>.
  template <class... Inputs>
  TensorFunction::ResultOf<F> operator()(const Inputs&... inputs) {
    const std::vector<Tensor> list{static_cast<const Tensor&>(inputs)...};
    return on(list);
  }
  /// The same for any number of inputs.
  TensorFunction::ResultOf<F> on(std::span<const Tensor> inputs) {
    std::vector<Tensor> results = call(inputs);
    if constexpr (std::is_same_v<TensorFunction::ResultOf<F>, Tensor>)
      return std::move(results[0]);
    else
      return results;
  }
};

}  // namespace dagrad
