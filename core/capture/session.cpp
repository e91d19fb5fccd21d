#include "dagrad/core/capture/session.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/checkpoint.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/random.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

constinit thread_local CaptureSession* innermost = nullptr;

}  // namespace

/// What the storages that a capture gave out write into, also after it.
struct CaptureSession::Books {
  struct Live {
    std::size_t block;
    std::uint32_t version;  // after the last instruction that wrote into it
  };

  bool open = true;
  bool running = false;  // an instruction, the last one
  Recording recording;
  std::unordered_map<const Storage*, Live> live;
  std::vector<const Storage*> storages;  // of the blocks
  std::shared_ptr<std::size_t> freed_later = std::make_shared<std::size_t>(0);

  std::size_t now() const { return recording.instructions.size() - (running ? 1 : 0); }
  void freed(std::size_t block) {
    if (!open) {
      ++*freed_later;
      return;
    }
    // Between two instructions, the one before was the last that needed it.
    Block& b = recording.blocks[block];
    b.last = std::max(b.first, running || now() == 0 ? now() : now() - 1);
    live.erase(storages[block]);
  }
};

struct CaptureSession::Draw {
  std::uint64_t seed, first;
  std::shared_ptr<std::uint64_t> position;
  bool followed = false;  // by an op that holds it
};

CaptureSession::CaptureSession(const Recording* earlier)
    : books_(std::make_shared<Books>()),
      start_(next_sequence(0)),
      expected_(default_generator()),
      outer_(std::exchange(innermost, this)) {
  if (earlier == nullptr) return;
  for (const Storage::Pointer& storage : earlier->outside) held_earlier_.insert(storage.get());
}

CaptureSession::~CaptureSession() {
  books_->open = false;
  innermost = outer_;
}

CaptureSession* CaptureSession::current() { return innermost; }

Storage::Pointer CaptureSession::allocate(std::size_t bytes) {
  const MemoryFrom allocator(nullptr);
  Books& books = *books_;
  const std::size_t block = books.recording.blocks.size();
  Storage::Pointer memory = Storage::allocate(bytes);
  std::byte* const data = memory->data();
  Storage::Pointer storage =
      Storage::wrap(data, bytes, [kept = books_, held = std::move(memory), block] { kept->freed(block); });
  books.recording.blocks.push_back({.bytes = bytes, .first = books.now()});
  books.storages.push_back(storage.get());
  books.live.emplace(storage.get(), Books::Live{block, storage->version()});
  if (books.running) {
    books.recording.instructions.back().inside.push_back(block);
    ++books.recording.blocks[block].writers;
    books.recording.blocks[block].computed = true;
  }
  return storage;
}

/// Where `t` lies, for an instruction that is about to be written down.
CapturedTensor CaptureSession::captured(const Tensor& t) {
  if (!t.defined()) return {};
  CapturedTensor result{CapturedTensor::In::block, 0, t.shape(), t.strides(), t.offset(), t.dtype()};
  const Storage::Pointer& storage = t.storage();
  if (const auto live = books_->live.find(storage.get()); live != books_->live.end()) {
    result.index = live->second.block;
    if (storage->version() != live->second.version) write_constant(result.index, t);
    return result;
  }
  result.in = CapturedTensor::In::outside;
  if (t.requires_grad() && t.is_leaf()) result.leaf = t.node();
  Recording& recording = books_->recording;
  const auto [found, added] =
      outside_.try_emplace(storage.get(), Outside{recording.outside.size(), storage->version()});
  result.index = found->second.index;
  if (added) {
    recording.outside.push_back(storage);
    recording.renewed.push_back(false);
  } else if (found->second.version != storage->version()) {
    Capture::refuse(fmt::format("a {} tensor {} was changed in place by {}", name_of(t.dtype()), t.shape().str(),
                                storage->last_change()),
                    "ops, copy_(), or each_replay() around the change");
  }
  return result;
}

/// Somebody wrote into the memory of `t` through mutable_data(): what is there now is the same in every replay.
void CaptureSession::write_constant(std::size_t block, const Tensor& t) {
  const Storage& storage = *t.storage();
  if (books_->recording.blocks[block].computed) {
    Capture::refuse(fmt::format("a {} tensor {} that ops computed was changed in place by {}", name_of(t.dtype()),
                                t.shape().str(), storage.last_change()),
                    "ops, fill_() or copy_() in place of mutable_data()");
  }
  Instruction constant;
  constant.kind = Instruction::Kind::constant;
  constant.call.name = "constant";
  {
    const MemoryFrom allocator(nullptr);
    constant.elements = Tensor::allocate({{static_cast<std::int64_t>(storage.bytes())}, DType::u8});
  }
  std::memcpy(constant.elements.mutable_raw_data(), storage.data(), storage.bytes());
  constant.outputs.push_back({CapturedTensor::In::block, block, t.shape(), t.strides(), t.offset(), t.dtype()});
  push(std::move(constant));
  books_->live.at(&storage).version = storage.version();
}

std::size_t CaptureSession::push(Instruction instruction) {
  Recording& recording = books_->recording;
  for (const CapturedTensor& t : instruction.outputs) {
    if (t.in != CapturedTensor::In::block) continue;
    ++recording.blocks[t.index].writers;
    if (instruction.kind != Instruction::Kind::constant) recording.blocks[t.index].computed = true;
  }
  recording.instructions.push_back(std::move(instruction));
  return recording.instructions.size() - 1;
}

void CaptureSession::note_version(const Tensor& t) {
  if (!t.defined()) return;
  const Storage* const storage = t.storage().get();
  if (const auto live = books_->live.find(storage); live != books_->live.end())
    live->second.version = storage->version();
  if (const auto found = outside_.find(storage); found != outside_.end()) found->second.version = storage->version();
}

void CaptureSession::note_versions() {
  for (auto& [storage, live] : books_->live) live.version = storage->version();
  for (auto& [storage, outside] : outside_) outside.version = storage->version();
}

/// An op that holds numbers drawn in this step is to hold, in a replay, those that are drawn then.
void CaptureSession::follow_draws(CapturedCall& call) {
  if (!call.redraw) return;
  const auto drawn = std::find_if(draws_.begin(), draws_.end(), [&](const Draw& draw) {
    return draw.seed == call.seed && draw.first == call.position;
  });
  if (drawn == draws_.end()) return;
  drawn->followed = true;
  call.run = [position = drawn->position, redraw = std::move(call.redraw), run = std::move(call.run)](
                 std::span<const Tensor> inputs, std::span<Tensor> outputs) {
    redraw(*position);
    run(inputs, outputs);
  };
}

void CaptureSession::run(Instruction instruction, std::span<const Tensor* const> inputs,
                         std::span<const Tensor> outputs, const std::function<void()>& kernel) {
  Books& books = *books_;
  follow_draws(instruction.call);
  if (instruction.kind == Instruction::Kind::kernel) {
    if (const RunningOp* op = RunningOp::current())
      instruction.call.where = op->where();
    else if (const Node* node = running_node())
      instruction.call.where = node->where();
  }
  for (const Tensor* t : inputs) instruction.inputs.push_back(captured(*t));
  for (const Tensor& t : outputs) instruction.outputs.push_back(captured(t));
  const bool effect = instruction.kind == Instruction::Kind::effect;
  push(std::move(instruction));
  books.recording.instructions.back().recomputing = recomputing();
  books.running = true;
  struct Ended {
    bool& running;
    ~Ended() { running = false; }
  };
  {
    const Ended ended{books.running};
    const WatchScope unseen(Watch::capture, false);
    const MemoryFrom memory(effect ? nullptr : this);
    kernel();
  }
  if (effect) return note_versions();
  for (const Tensor* t : inputs) note_version(*t);
  for (const Tensor& t : outputs) note_version(t);
  for (const std::size_t block : books.recording.instructions.back().inside) {
    if (const auto live = books.live.find(books.storages[block]); live != books.live.end())
      live->second.version = live->first->version();
  }
}

void CaptureSession::add_results(std::span<const Tensor> results) {
  std::vector<CapturedTensor> outputs;
  for (const Tensor& t : results) outputs.push_back(captured(t));
  books_->recording.instructions.back().outputs = std::move(outputs);
}

void CaptureSession::renewal(const Tensor& copy, std::function<void()> renew) {
  Instruction instruction;
  instruction.kind = Instruction::Kind::effect;
  instruction.call.name = "renewal";
  instruction.call.run = [renew = std::move(renew)](std::span<const Tensor>, std::span<Tensor>) { renew(); };
  instruction.outputs.push_back(captured(copy));
  books_->recording.renewed[instruction.outputs[0].index] = true;
  push(std::move(instruction));
}

void CaptureSession::gradient(Node& leaf, const Tensor& gradient) {
  Instruction instruction;
  instruction.kind = Instruction::Kind::effect;
  instruction.call.name = "set_grad";
  instruction.call.run = [leaf = NodePointer(&leaf)](std::span<const Tensor> inputs, std::span<Tensor>) {
    static_cast<Leaf&>(*leaf).set_grad(inputs[0]);
  };
  if (is_from_before(leaf)) instruction.leaf = &leaf;
  // Cleared by an effect, which may have found it right to leave it this time.
  const auto with = leaves_.find(&leaf);
  if (gradient.defined() && with != leaves_.end() && !with->second.defined) {
    instruction.call.run = [leaf = NodePointer(&leaf)](std::span<const Tensor> inputs, std::span<Tensor>) {
      auto& of = static_cast<Leaf&>(*leaf);
      if (of.grad().defined()) {
        Capture::refuse("a gradient that was cleared in the step when it was captured was not cleared now",
                        "it cleared in each call, or outside");
      }
      of.set_grad(inputs[0]);
    };
  }
  instruction.inputs.push_back(captured(gradient));
  push(std::move(instruction));
}

void CaptureSession::draw(Generator& generator, std::uint64_t blocks, std::uint64_t first) {
  auto position = std::make_shared<std::uint64_t>(first);
  Instruction instruction;
  const bool is_default = &generator == &default_generator();
  if (is_default && generator.seed() == expected_.seed() && first == expected_.position()) {
    instruction.goes_on = true;
    const WatchScope unseen(Watch::capture, false);
    expected_.reserve(blocks);
  }
  instruction.kind = Instruction::Kind::draw;
  instruction.call.name = "draw";
  instruction.call.attributes = fmt::format("seed={}, blocks={}", generator.seed(), blocks);
  instruction.call.position = first;
  if (is_default) {  // the calling thread's
    instruction.call.run = [blocks, position](std::span<const Tensor>, std::span<Tensor>) {
      *position = default_generator().reserve(blocks);
    };
  } else {
    instruction.call.run = [&generator, blocks, position](std::span<const Tensor>, std::span<Tensor>) {
      *position = generator.reserve(blocks);
    };
    instruction.still_fits = [&generator, seed = generator.seed()] { return generator.seed() == seed; };
  }
  push(std::move(instruction));
  draws_.push_back({generator.seed(), first, std::move(position)});
}

bool CaptureSession::took(const Tensor& t) const { return books_->live.contains(t.storage().get()); }

void CaptureSession::note_gradient(Node& leaf, bool defined) { leaves_[&leaf] = {NodePointer(&leaf), defined}; }

bool CaptureSession::adds_to_earlier(const Leaf& leaf) const {
  if (leaf.grad().defined()) return !took(leaf.grad());
  return is_from_before(leaf) && !leaves_.contains(&leaf);
}

/// A tensor made in the step that somebody else than its results and gradients holds would never change again.
void CaptureSession::refuse_kept_tensors(std::span<const Tensor> results) {
  std::unordered_map<const Storage*, std::uint32_t> known;
  for (const Tensor& t : results) {
    if (t.defined()) ++known[t.storage().get()];
  }
  for (const auto& [pointer, with] : leaves_) {
    const Tensor& gradient = static_cast<const Leaf&>(*with.leaf).grad();
    if (!gradient.defined()) continue;
    if (gradient.requires_grad()) return;  // its graph holds more
    ++known[gradient.storage().get()];
  }
  Recording& recording = books_->recording;
  for (const auto& [storage, live] : books_->live) {
    if (storage->references() <= known[storage]) continue;
    const std::size_t block = live.block;
    std::string made = "a tensor that it makes";
    for (const Instruction& instruction : recording.instructions) {
      const auto is_here = [&](const CapturedTensor& t) {
        return t.in == CapturedTensor::In::block && t.index == block;
      };
      if (std::any_of(instruction.outputs.begin(), instruction.outputs.end(), is_here))
        made = fmt::format("the result of {}", instruction.str());
    }
    books_->open = false;
    const std::string holder = op_holding_a_block(recording);
    if (!holder.empty()) refuse_holder(holder);
    Capture::refuse(fmt::format("the function keeps {}, which replays would leave as it is", made),
                    "it returned; or copied by copy_() into a tensor from before the step");
  }
}

std::uint32_t CaptureSession::references_to(const Storage& storage) const {
  return (outside_.contains(&storage) ? 1 : 0) + (held_earlier_.contains(&storage) ? 1 : 0);
}

Recording CaptureSession::finish(std::span<const Tensor> results) {
  Books& books = *books_;
  for (const Tensor& t : results) books.recording.outputs.push_back(captured(t));
  if (!std::all_of(draws_.begin(), draws_.end(), [](const Draw& draw) { return draw.followed; }))
    Capture::refuse("a random number was drawn outside of ops", "it drawn before the step, or in each_replay()");
  for (const Storage::Pointer& storage : books.recording.outside) {
    if (outside_.at(storage.get()).version != storage->version()) {
      Capture::refuse(fmt::format("a tensor from before it was changed in place by {}", storage->last_change()),
                      "ops, copy_(), or each_replay() around the change");
    }
    if (storage->references() == references_to(*storage)) {
      Capture::refuse("it reads a tensor from before it that nobody holds any more",
                      "it kept, and changed by copy_(): a gradient from before the step, for one, with "
                      "zero_grad(false)");
    }
  }
  books.recording.freed_later = books.freed_later;
  refuse_kept_tensors(results);
  books.open = false;
  return std::move(books.recording);
}

}  // namespace dagrad
