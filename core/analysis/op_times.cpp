#include "dagrad/core/analysis/op_times.h"

#include <chrono>
#include <unordered_map>
#include <utility>

#include "dagrad/core/op_clock.h"
#include "dagrad/core/save_observer.h"
#include "dagrad/core/watch.h"

namespace dagrad {
namespace {

using Clock = OpClock::Clock;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double find(const std::unordered_map<std::uint64_t, double>& map, const Node& node) {
  const auto found = map.find(node.sequence());
  return found == map.end() ? 0 : found->second;
}

}  // namespace

struct OpTimes::Books {
  std::unordered_map<std::uint64_t, double> forward, backward;  // by sequence, which no other node of a thread has
  std::function<void(const Node&)> after;
  Clock::time_point backward_start;  // nodes run their backwards one after the other

  void tell(const Node& node) const {
    if (after) after(node);
  }
};

class OpTimes::Watcher final : public SaveObserver {
 public:
  explicit Watcher(Books& books)
      : books_(books),
        outer_observer_(std::exchange(detail::save_observer, this)),
        outer_clock_(std::exchange(detail::op_clock, &clock_)) {}
  ~Watcher() {
    detail::save_observer = outer_observer_;
    detail::op_clock = outer_clock_;
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void recorded(Node& node, std::span<const Tensor* const>) override {
    // A view runs no kernel: what the clock shows is then that of an op before.
    if (node.name() == clock_.op) books_.forward[node.sequence()] = seconds(clock_.duration);
    clock_.op = {};
    books_.tell(node);
  }
  void entered(const std::shared_ptr<CheckpointFrame>&, std::span<const Tensor>) override {}

 private:
  Books& books_;
  OpClock clock_;
  SaveObserver* outer_observer_;
  OpClock* outer_clock_;
  WatchScope watch_{Watch::times};
};

OpTimes::OpTimes(std::function<void(const Node&)> after)
    : books_(std::make_shared<Books>()), watcher_(std::make_unique<Watcher>(*books_)) {
  books_->after = std::move(after);
}
OpTimes::~OpTimes() = default;

void OpTimes::watch_backward(const Graph& graph) {
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    if (graph.node(v).is_leaf()) continue;  // it only adds up, and outlives the graph
    const std::weak_ptr<Books> weak = books_;
    graph.pointer(v)->register_prehook([weak](const Node&, std::span<Tensor>) {
      if (const auto books = weak.lock()) books->backward_start = Clock::now();
    });
    graph.pointer(v)->register_posthook([weak](const Node& node, std::span<Tensor>) {
      const auto books = weak.lock();
      if (!books) return;
      books->backward[node.sequence()] = seconds(Clock::now() - books->backward_start);
      books->tell(node);
    });
  }
}

double OpTimes::forward_seconds(const Node& node) const { return find(books_->forward, node); }
double OpTimes::backward_seconds(const Node& node) const { return find(books_->backward, node); }

}  // namespace dagrad
