// A capture under way. Internal.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dagrad/core/capture/recording.h"
#include "dagrad/core/memory_source.h"
#include "dagrad/core/random.h"
#include "dagrad/core/watch.h"

namespace dagrad {

class Leaf;

/// While it lives, what the calling thread does to tensors is done as ever and written down.
class CaptureSession final : public MemorySource {
 public:
  /// `earlier`, which may be null, holds references to memory from before, too.
  explicit CaptureSession(const Recording* earlier);
  ~CaptureSession();
  CaptureSession(const CaptureSession&) = delete;
  CaptureSession& operator=(const CaptureSession&) = delete;

  /// The calling thread's; null when there is none.
  static CaptureSession* current();

  Storage::Pointer allocate(std::size_t bytes) override;
  void run(Instruction instruction, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs,
           const std::function<void()>& kernel);
  /// Of the last instruction, whose kernel made them.
  void add_results(std::span<const Tensor> results);
  void renewal(const Tensor& copy, std::function<void()> renew);
  void gradient(Node& leaf, const Tensor& gradient);
  void draw(Generator& generator, std::uint64_t blocks, std::uint64_t first);
  bool took(const Tensor& t) const;
  /// The leaf's gradient is being set or cleared, be it in an effect.
  void note_gradient(Node& leaf, bool defined);
  /// Whether a gradient of the leaf adds to what it had before the step, if it had one.
  bool adds_to_earlier(const Leaf& leaf) const;
  std::uint32_t references_to(const Storage& storage) const;

  /// What was written down. Throws CaptureError where it cannot be replayed.
  Recording finish(std::span<const Tensor> results);

 private:
  struct Books;
  struct Draw;
  struct Outside {
    std::size_t index;
    std::uint32_t version;
  };

  /// A leaf whose gradient the step has set or cleared.
  struct WithGradient {
    NodePointer leaf;
    bool defined;
  };

  CapturedTensor captured(const Tensor& t);
  void write_constant(std::size_t block, const Tensor& t);
  void note_version(const Tensor& t);
  void note_versions();
  std::size_t push(Instruction instruction);
  void follow_draws(CapturedCall& call);
  void refuse_kept_tensors(std::span<const Tensor> results);
  bool is_from_before(const Node& leaf) const { return leaf.sequence() < start_; }

  std::shared_ptr<Books> books_;
  std::unordered_map<const Storage*, Outside> outside_;
  std::unordered_set<const Storage*> held_earlier_;
  std::vector<Draw> draws_;
  std::unordered_map<const Node*, WithGradient> leaves_;
  std::uint64_t start_;  // leaves with greater sequences were made in the step
  Generator expected_;   // the default generator, if nobody but the step's draws moved it
  CaptureSession* outer_;
  MemoryFrom memory_{this};
  WatchScope watch_{Watch::capture};
};

}  // namespace dagrad
