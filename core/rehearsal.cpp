#include "dagrad/core/rehearsal.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <utility>

#include "dagrad/core/module_name.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace detail {

constinit thread_local Rehearsal* rehearsal = nullptr;

}  // namespace detail

namespace {

// From here on memory is mapped rather than allocated, so that it takes room only where it is written.
constexpr std::size_t kMappedFrom = std::size_t{64} << 10;

/// Bytes that read as zero.
class Zeros {
 public:
  explicit Zeros(std::size_t bytes) : bytes_(bytes) {
    if (mapped()) {
      data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (data_ == MAP_FAILED) throw std::bad_alloc();
    } else {
      const std::size_t rounded = (bytes + 63) / 64 * 64 + 64;
      if (posix_memalign(&data_, 64, rounded) != 0) throw std::bad_alloc();
      std::fill_n(static_cast<std::byte*>(data_), rounded, std::byte{0});
    }
  }
  ~Zeros() {
    if (mapped())
      munmap(data_, bytes_);
    else
      std::free(data_);
  }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;

  void* data() const { return data_; }

 private:
  bool mapped() const { return bytes_ >= kMappedFrom; }

  void* data_ = nullptr;
  std::size_t bytes_;
};

Maker maker_of(const Node& node, bool backward) {
  Maker maker{std::string(node.name()), node.where(), nullptr, backward};
  if (!node.module().empty()) maker.module = interned(std::string(node.module()));
  return maker;
}

/// What the calling thread is running.
Maker maker_now(std::string_view op, Location where) {
  if (const Node* node = running_node()) return maker_of(*node, true);
  return {std::string(op), where, detail::running_module, false};
}

}  // namespace

Rehearsal::Rehearsal() : outer_(std::exchange(detail::rehearsal, this)) {}

Rehearsal::~Rehearsal() {
  retained_.clear();
  kept_.clear();
  detail::rehearsal = outer_;
}

Storage::Pointer Rehearsal::allocate(std::size_t bytes) {
  const auto zeros = std::make_shared<Zeros>(bytes);
  Maker maker;
  if (const RunningOp* op = RunningOp::current())
    maker = maker_now(op->name(), op->where());
  else if (running_node() != nullptr)
    maker = maker_now({}, {});
  const std::size_t block = add(Storage::footprint(bytes), Held::result, std::move(maker));
  books_->live.emplace(zeros->data(), block);
  return Storage::wrap(zeros->data(), bytes, [books = books_, zeros, block] {
    books->live.erase(zeros->data());
    books->events.push_back(-static_cast<std::int64_t>(block) - 1);
  });
}

std::size_t Rehearsal::add(std::size_t bytes, Held held, Maker maker) {
  const std::size_t block = books_->blocks.size();
  books_->blocks.push_back({bytes, held, std::move(maker)});
  books_->events.push_back(static_cast<std::int64_t>(block) + 1);
  return block;
}

void Rehearsal::drop(std::size_t block) { books_->events.push_back(-static_cast<std::int64_t>(block) - 1); }

Rehearsal::Block* Rehearsal::block_of(const Tensor& t) {
  if (!t.defined()) return nullptr;
  const auto found = books_->live.find(t.storage()->data());
  return found == books_->live.end() ? nullptr : &books_->blocks[found->second];
}

void Rehearsal::set_existing(const Tensor& t) {
  if (Block* const block = block_of(t)) block->held = Held::existing;
}

void Rehearsal::ran(std::string_view op, Location where, std::span<const Tensor> outputs) {
  if (running_node() != nullptr) return;  // known as they were made
  const RunningOp* const outer = RunningOp::current();
  for (const Tensor& output : outputs) {
    Block* const block = block_of(output);
    if (block == nullptr || !block->maker.op.empty()) continue;
    block->maker = outer == nullptr ? maker_now(op, where) : maker_now(outer->name(), outer->where());
  }
}

void Rehearsal::gave(const Node& node, std::span<const Tensor> given) {
  for (const Tensor& gradient : given) {
    Block* const block = block_of(gradient);
    if (block == nullptr || block->held != Held::result) continue;
    block->held = Held::gradient;
    block->maker = maker_of(node, true);
  }
}

void Rehearsal::released(const Node& node) {
  note_saved(node);
  if (tell_of_release_) tell_of_release_(node, nullptr);
}

void Rehearsal::released(const Node& node, const Tensor& saved) {
  note_saved(node);
  if (tell_of_release_ && saved.defined()) tell_of_release_(node, &saved);
}

void Rehearsal::note_saved(const Node& node) {
  for (const SavedTensor& saved : node.saved()) {
    Block* const block = block_of(saved.tensor);
    if (block == nullptr || block->held == Held::saved || block->held == Held::existing) continue;
    block->held = Held::saved;
    block->maker = maker_of(node, false);
  }
}

}  // namespace dagrad
