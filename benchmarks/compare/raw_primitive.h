// One oneDNN primitive with operands of its own, for timing alone.
#pragma once

#include <bit>
#include <dnnl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/tensor.h"

namespace dagrad::compare {

inline dnnl::engine& engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

/// Runs on operands that were made in the layouts that it asks for, so nothing is reordered.
class RawPrimitive {
 public:
  RawPrimitive(dnnl::primitive primitive, const std::vector<std::pair<int, dnnl::memory::desc>>& operands)
      : primitive_(std::move(primitive)), stream_(engine()) {
    for (const auto& [role, descriptor] : operands) {
      if (descriptor.get_size() == 0) continue;
      // Bytes of 0x3c are 0.0115 as f32 and as bf16.
      const auto words = static_cast<std::int64_t>((descriptor.get_size() + 3) / 4);
      buffers_.push_back(full({words}, std::bit_cast<float>(0x3c3c3c3cu)));
      arguments_.insert({role, dnnl::memory(descriptor, engine(), buffers_.back().mutable_raw_data())});
    }
  }

  void operator()() const { primitive_.execute(stream_, arguments_); }

 private:
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::vector<Tensor> buffers_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace dagrad::compare
