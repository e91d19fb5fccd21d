// A capture under way. Internal.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dagrad/core/capture/recording.h"
#include "dagrad/core/memory_source.h"
#include "dagrad/core/watch.h"

namespace dagrad {

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
  std::uint32_t references_to(const Storage& storage) const;

  /// What was written down. Throws UsageError where it cannot be replayed.
  Recording finish(std::span<const Tensor> results);

 private:
  struct Books;
  struct Draw;
  struct Outside {
    std::size_t index;
    std::uint32_t version;
  };

  CapturedTensor captured(const Tensor& t);
  void write_constant(std::size_t block, const Tensor& t);
  void note_version(const Tensor& t);
  void note_versions();
  std::size_t push(Instruction instruction);
  void follow_draws(CapturedCall& call);

  std::shared_ptr<Books> books_;
  std::unordered_map<const Storage*, Outside> outside_;
  std::unordered_set<const Storage*> held_earlier_;
  std::vector<Draw> draws_;
  CaptureSession* outer_;
  MemoryFrom memory_{this};
  WatchScope watch_{Watch::capture};
};

}  // namespace dagrad
