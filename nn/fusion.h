// Which modules a Sequential computes together.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {
enum class Activation : std::uint8_t;
}

namespace dagrad::nn {
class BatchNorm;
class Module;
}  // namespace dagrad::nn

namespace dagrad::nn::detail {

/// What a module is to its neighbours. Classes derived from these are others, as they may compute something else.
enum class Role : std::uint8_t { other, linear, convolution, batch_norm, max_pool, relu, tanh, sigmoid, gelu };
Role role_of(const Module& module);

/// The activation of a module of that role, which linear() can apply itself.
std::optional<Activation> activation_of(Role role);

/// The max pooling `pool` of relu(x), as one op.
Tensor max_pool_of_relu(const Module& pool, const Tensor& x);

/// Weights and biases with the batch norm behind them folded in.
struct Folded {
  Tensor weight, bias;
};

/// Remembers what was folded until one of the tensors that it was made of changes. Thread-safe; a copy starts empty.
class FoldCache {
 public:
  FoldCache() = default;
  FoldCache(const FoldCache&) {}
  FoldCache& operator=(const FoldCache&) {
    entries_.clear();
    return *this;
  }
  ~FoldCache() = default;

  /// That of the pair at `position`.
  Folded get(std::size_t position, const Tensor& weight, const Tensor& bias, const BatchNorm& norm);

 private:
  struct Source {
    Tensor tensor;
    std::uint32_t version;
  };
  struct Entry {
    std::vector<Source> sources;
    double eps = 0;
    Folded folded;
  };
  std::mutex mutex_;
  std::vector<std::pair<std::size_t, Entry>> entries_;
};

}  // namespace dagrad::nn::detail
