// Ops that run without computing, so that the memory they would need can be counted. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dagrad/core/memory_source.h"
#include "dagrad/core/node.h"
#include "dagrad/core/watch.h"

namespace dagrad {

class Rehearsal;

namespace detail {

// Read whenever a loop begins, so without a call.
extern constinit thread_local Rehearsal* rehearsal;

}  // namespace detail

/// What a block of memory was for.
enum class Held : std::uint8_t {
  result,    // of an op, in hand; scratch memory
  saved,     // by a node
  gradient,  // in flight or a leaf's
  existing,  // there before and after: not in the books
};

/// Who made a block of memory.
struct Maker {
  std::string op;
  Location where;
  const std::string* module = nullptr;
  bool backward = false;
};

/// While it lives, the calling thread's ops run as ever, but for two things: nothing is computed (parallel_for passes
/// its loop over, oneDNN's primitives are not executed), and the memory of new tensors is address space that reads as
/// zero and that the system need not find until somebody writes into it. Books are kept of what comes and goes. Random
/// generators stay where they are. What kernels do by themselves in short loops is done, on zeros.
class Rehearsal final : public MemorySource {
 public:
  struct Block {
    std::size_t bytes = 0;  // that the allocator would hand out
    Held held = Held::result;
    Maker maker;
  };
  /// The books. Tensors that outlive the rehearsal still write into them.
  struct Books {
    std::vector<Block> blocks;
    std::vector<std::int64_t> events;  // +(i + 1): block i came; -(i + 1): it went
    std::unordered_map<const void*, std::size_t> live;
  };

  Rehearsal();
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  /// The calling thread's innermost, or null.
  static Rehearsal* current() { return detail::rehearsal; }

  Storage::Pointer allocate(std::size_t bytes) override;
  /// A block that is there already, until drop().
  std::size_t add(std::size_t bytes, Held held, Maker maker);
  void drop(std::size_t block);

  /// For apply(): an op has run.
  void ran(std::string_view op, Location where, std::span<const Tensor> outputs);
  /// For the engine: the node's backward gave these.
  void gave(const Node& node, std::span<const Tensor> given);
  /// For the engine: the node lets go of its saved tensors; before that, of one of them.
  void released(const Node& node);
  void released(const Node& node, const Tensor& saved);
  /// `tell` gets null for all of a node's.
  void when_released(std::function<void(const Node&, const Tensor* saved)> tell) { tell_of_release_ = std::move(tell); }
  /// Books what `node` keeps as saved by it.
  void note_saved(const Node& node);
  /// Whether the elements at `data` are this rehearsal's.
  bool made(const void* data) const { return books_->live.contains(data); }
  /// For what works in place: these elements would have been written over.
  void changed(const Storage& storage) { missed_changes_ = missed_changes_ || !made(storage.data()); }
  /// For the engine: hooks of users were not called.
  void left_out_hooks() { missed_hooks_ = true; }
  /// Whether something besides the rehearsal's own tensors would have been changed in place.
  bool missed_changes() const { return missed_changes_; }
  bool missed_hooks() const { return missed_hooks_; }

  /// Leaves memory of the rehearsal out of the books: it stands for what exists.
  void set_existing(const Tensor& t);
  /// Holds the gradient of a tensor on which retain_grad() was called.
  void retain(const Tensor& gradient) { retained_.push_back(gradient); }

  /// What stands in for a tensor that the leaf would keep from its first use on.
  Tensor& kept_by(const Node* leaf) { return kept_[leaf]; }

  /// Where generators take their numbers from instead.
  std::uint64_t& random_position() { return random_position_; }

  const Books& books() const { return *books_; }

 private:
  Block* block_of(const Tensor& t);

  std::shared_ptr<Books> books_ = std::make_shared<Books>();
  std::vector<Tensor> retained_;
  std::unordered_map<const Node*, Tensor> kept_;
  bool missed_changes_ = false, missed_hooks_ = false;
  std::function<void(const Node&, const Tensor*)> tell_of_release_;
  Rehearsal* outer_;
  MemoryFrom memory_{this};
  std::uint64_t random_position_ = 0;
  Unwatched unwatched_;
  WatchScope told_of_ops_{Watch::trace};
};

/// What backward() does, in the calling thread's rehearsal. Leaves and saved tensors change as they would.
void rehearse_backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients, bool retain_graph);

}  // namespace dagrad
