#include "dagrad/core/refusal.h"

#include <algorithm>

#include "dagrad/core/allocator.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/running_node.h"

namespace dagrad {

class Refusal final : public Node {
 public:
  static constexpr std::size_t kHead = 192;

  Refusal(Arity arity, const Spec& spec, const std::vector<Edge>& edges, std::string message)
      : Node(arity, kHead, running_node() != nullptr ? running_node()->where() : Location{}),
        message_(std::move(message)) {
    std::uint64_t newest = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      set_edge(i, edges[i]);
      newest = std::max(newest, edges[i].node->sequence());
    }
    set_identity(next_sequence(newest), 0, spec);
  }
  std::string_view name() const override { return "refusal"; }

 private:
  void backward(Backward&, std::span<Tensor>) override { throw GradientError(message_); }

  std::string message_;
};

Tensor refused(const Tensor& t, const std::vector<Edge>& edges, std::string message) {
  static_assert(sizeof(Refusal) <= Refusal::kHead && Refusal::kHead % alignof(std::max_align_t) == 0);
  const Node::Arity arity{static_cast<std::uint32_t>(edges.size()), 1, 0};
  Tensor result = t.detach();
  result.set_node(NodePointer(new (allocator::allocate(Refusal::kHead + arity.bytes()))
                                  Refusal(arity, t.spec(), edges, std::move(message))),
                  0);
  return result;
}

}  // namespace dagrad
