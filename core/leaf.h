// Leaf: the end of an edge, where gradients accumulate. Internal.
#pragma once

#include "dagrad/core/node.h"

namespace dagrad {

/// The node of a tensor that the user made: it has no edges and owns the tensor's grad.
class Leaf final : public Node {
 public:
  Leaf(std::size_t head_bytes, const Tensor& of, std::uint64_t sequence);
  std::string_view name() const override { return "leaf"; }
  bool is_leaf() const override { return true; }

  /// Where the tensor's storage lies: to be compared, not followed.
  const void* elements() const { return elements_; }
  const Tensor& grad() const { return grad_; }
  void set_grad(Tensor gradient);
  /// grad += gradient: moved in when it is the first and nobody else holds it.
  void add(Tensor gradient);

  /// The elements rounded to bf16, as they were at a version; see bf16_copy.h.
  struct Bf16Copy {
    Tensor copy;
    const void* elements = nullptr;
    std::uint32_t version = 0;
  };
  Bf16Copy& bf16_copy() { return bf16_copy_; }

 private:
  void backward(Backward& ctx, std::span<Tensor> gradients) override;

  const void* elements_;
  Tensor grad_;
  Bf16Copy bf16_copy_;
};

/// The node that makes a leaf of `t`.
NodePointer make_leaf(const Tensor& t);

/// a + b: in the memory of one of them when nobody else holds it; recorded when one of them has a history.
Tensor accumulate(Tensor a, Tensor b);

}  // namespace dagrad
