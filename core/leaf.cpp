#include "dagrad/core/leaf.h"

#include <new>

#include "dagrad/core/allocator.h"
#include "dagrad/core/capture/capture.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/op.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

constexpr std::size_t kLeafHead = (sizeof(Leaf) + 15) / 16 * 16;

/// The one op that core itself needs: gradients that add up while the backward is being recorded.
struct AddGradients {
  static constexpr std::string_view name = "add_gradients";
  Spec infer(const Tensor& a, const Tensor&) const { return a.spec_with_format(); }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const { add_elements(a, b, dst); }
  // d(a + b) = da + db
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst);
    ctx.give(1, diff_dst);
  }
};

/// Whether the elements are nobody else's, and none lies at two places.
bool may_overwrite(const Tensor& t) { return t.owns_elements_alone() && (t.is_contiguous() || t.is_channels_last()); }

}  // namespace

Leaf::Leaf(std::size_t head_bytes, const Tensor& of, std::uint64_t sequence)
    : Node(Arity{0, 1, 0}, head_bytes, Location{}), elements_(of.storage()->data()) {
  set_identity(sequence, 0, of.spec());
}

NodePointer make_leaf(const Tensor& t) {
  return NodePointer(new (allocator::allocate(kLeafHead + Node::Arity{0, 1, 0}.bytes()))
                         Leaf(kLeafHead, t, next_sequence(0)));
}

void Leaf::set_grad(Tensor gradient) {
  if (watched(Watch::capture)) [[unlikely]]
    Capture::gradient(*this, gradient);
  grad_ = std::move(gradient);
}

void Leaf::backward(Backward&, std::span<Tensor> gradients) {
  Tensor& gradient = gradients[0];
  // What was there before the step is another tensor in a replay, which is to add to that.
  if (watched(Watch::capture) && grad_.defined() && !Capture::took(grad_)) [[unlikely]]
    return Capture::addition(*this, gradient);
  add(std::move(gradient));
}

void Leaf::add(Tensor gradient) {
  if (grad_.defined()) {
    set_grad(accumulate(std::move(grad_), std::move(gradient)));
  } else if (gradient.requires_grad() || may_overwrite(gradient)) {
    set_grad(std::move(gradient));
  } else {
    Tensor copy = Tensor::allocate(gradient.spec());
    copy_elements(gradient, copy);
    set_grad(std::move(copy));
  }
}

// By value: a caller that lets go of its handle lets its memory be written to.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
Tensor accumulate(Tensor a, Tensor b) {
  if (grad_enabled() && (a.requires_grad() || b.requires_grad()))
    return apply(AddGradients{}, Location::current(), a, b);
  Tensor dst;
  if (may_overwrite(a))
    dst = a;
  else if (may_overwrite(b))
    dst = b;
  else
    dst = Tensor::allocate(a.spec_with_format());
  add_elements(a, b, dst);
  return dst;
}

}  // namespace dagrad
