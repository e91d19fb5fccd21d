// Memory forecast: how much a training step will need, and for what, before it runs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// Bytes by what they are for, in whole blocks of the allocator.
struct MemoryUse {
  std::size_t parameters = 0;        ///< leaves that require a gradient
  std::size_t optimizer_states = 0;  ///< as told
  std::size_t inputs = 0;            ///< other tensors that the step reads and somebody else holds
  std::size_t gradients = 0;         ///< of leaves, and on their way
  std::size_t saved = 0;             ///< kept by the graph alone for its backward
  std::size_t workspaces = 0;        ///< results in hand that nobody keeps, and scratch memory of kernels

  std::size_t total() const { return parameters + optimizer_states + inputs + gradients + saved + workspaces; }
};

/// Memory that is held at the peak by one line of the user's program.
struct MemoryHolder {
  std::string what;  ///< like `saved by 'relu' at model.cpp:12`
  std::size_t bytes = 0;
};

/// What is to be expected of a step.
struct MemoryForecast {
  MemoryUse start, peak, end;
  std::string during;                 ///< what runs at the peak, like `the backward of 'conv2d' at model.cpp:12`
  std::vector<MemoryHolder> holders;  ///< of saved tensors, gradients and workspaces at the peak, largest first

  /// By how much the allocator's peak_bytes will exceed its live_bytes of now.
  std::size_t rise() const { return peak.total() - start.total(); }
  /// A table of the three, and the first `lines` holders.
  std::string str(std::size_t lines = 8) const;
};

struct ForecastOptions {
  std::size_t optimizer_state_bytes = 0;  ///< counted in; Adam keeps twice the parameters
  bool retain_graph = false;              ///< the backward keeps the saved tensors
};

/// The memory that `outputs`' backward will take, from their recorded graph. The backward is rehearsed: the engine goes
/// over the graph and runs every node's backward as it will, but kernels compute nothing and tensors have address space
/// instead of memory, so it costs about as much as the calls alone, and leaves the graph, the gradients and random
/// numbers as they were. Checkpointed functions are called. An output of one element has the gradient 1; others have
/// one of their shape. Hooks are not called. Saved tensors that others hold as well are seen to stay.
///
/// Exact to about 2%, or 64 KiB where that is more: nodes and handles, some hundred bytes an op, are not counted. What
/// each thread of a parallel loop allocates for itself is not seen either: recurrent layers on several threads take a
/// copy of their recurrent weights for each thread on top.
/// Throws GradientError when an output has no history, or the graph was freed.
MemoryForecast forecast_backward(const std::vector<Tensor>& outputs, const ForecastOptions& options = {});
MemoryForecast forecast_backward(const Tensor& output, const ForecastOptions& options = {});

/// The memory that `function(inputs)` and the backward from what it returns will take, found without having it: forward
/// and backward are rehearsed as above.
///
///   const auto loss = [&](const Tensor& x, const Tensor& labels) { return cross_entropy(net(x), labels); };
///   std::cout << forecast_step(loss, {Spec{{512, 3, 224, 224}}, Spec{{512}, i64}}).str();
///
/// All that is computed reads as zero, so what depends on values (nonzero(), branches on item()) goes as it would for
/// zeros. The function should have no effects but its results (recomputing() tells; modules of nn heed it), and must
/// not call backward(). Throws what it throws.
MemoryForecast forecast_step(const TensorFunction& function, const std::vector<Spec>& inputs,
                             const ForecastOptions& options = {});
/// The same for given inputs, which are read.
MemoryForecast forecast_step(const TensorFunction& function, const std::vector<Tensor>& inputs,
                             const ForecastOptions& options = {});

}  // namespace dagrad
