#include "dagrad/core/checkpoint.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/checkpoint_frame.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

constexpr std::uint32_t kMadeInside = 0xffffffff;  // in place of a version

thread_local int second_calls = 0;

/// Holds the calling thread's observer for a scope.
class Observing {
 public:
  explicit Observing(SaveObserver& observer) : before_(detail::save_observer) { detail::save_observer = &observer; }
  ~Observing() { detail::save_observer = before_; }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

 private:
  SaveObserver* before_;
};

/// Gives the calling thread another default generator for a scope.
class DefaultGenerator {
 public:
  explicit DefaultGenerator(const Generator& generator) : before_(default_generator()) {
    default_generator() = generator;
  }
  ~DefaultGenerator() { default_generator() = before_; }
  DefaultGenerator(const DefaultGenerator&) = delete;
  DefaultGenerator& operator=(const DefaultGenerator&) = delete;

 private:
  Generator before_;
};

[[noreturn]] void throw_changed(std::string_view what, const Tensor& t, std::uint32_t had) {
  throw GradientError(
      fmt::format("checkpoint: {}, {} {}, was modified in place by {} since the forward: found version {}, had version "
                  "{} (want the "
                  "change after backward, or on a copy)",
                  what, name_of(t.dtype()), t.shape().str(), t.storage()->last_change(), t.version(), had));
}

std::string named(const Tensor& t) { return t.name().empty() ? "" : fmt::format(" '{}'", t.name()); }

}  // namespace

/// Collects what the function's second call records.
class CheckpointFrame::SecondCall final : public SaveObserver {
 public:
  explicit SecondCall(CheckpointFrame& frame) : frame_(frame) {}

  void recorded(Node& node, std::span<const Tensor* const> inputs) override {
    check_versions(node, inputs);
    const auto saved = node.saved();
    if (saved.empty()) return;
    Note& note = next(saved.size());
    for (std::size_t k = 0; k < saved.size(); ++k) collect(note, k, saved[k].tensor);
  }

  void entered(const std::shared_ptr<CheckpointFrame>&, std::span<const Tensor> inputs) override {
    Note& note = next(inputs.size());
    for (std::size_t k = 0; k < inputs.size(); ++k) collect(note, k, inputs[k]);
  }

  void finish() const {
    if (next_ != frame_.notes_.size()) throw_different();
  }

 private:
  Note& next(std::size_t tensors) {
    if (next_ == frame_.notes_.size() || frame_.notes_[next_].tensors.size() != tensors) throw_different();
    return frame_.notes_[next_++];
  }

  static void collect(Note& note, std::size_t k, const Tensor& t) {
    const Dropped& was = note.tensors[k];
    if (!was.dropped) return;
    if (!t.defined() || t.shape() != was.spec.shape || t.dtype() != was.spec.dtype) throw_different();
    // The same storage: a constant that the function did not make.
    if (t.storage().get() == was.storage && t.version() != was.version)
      throw_changed("a tensor that the function uses", t, was.version);
    if (!note.wanted) return;
    note.recomputed.resize(note.tensors.size());
    note.recomputed[k] = t.detach();
  }

  void check_versions(const Node& node, std::span<const Tensor* const> inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (next_version_ == frame_.versions_.size()) throw_different();
      const std::uint32_t had = frame_.versions_[next_version_++];
      if (had == kMadeInside) continue;
      if (!inputs[i]->defined()) throw_different();
      if (inputs[i]->version() != had) {
        throw_changed(fmt::format("input {}{} of '{}' {}", i, named(*inputs[i]), node.name(), node.place()), *inputs[i],
                      had);
      }
    }
  }

  [[noreturn]] static void throw_different() {
    throw GradientError(
        "checkpoint: the function recorded other ops, or other shapes, when it was computed again (want the same both "
        "times)");
  }

  CheckpointFrame& frame_;
  std::size_t next_ = 0, next_version_ = 0;
};

struct CheckpointFrame::State {
  std::vector<Tensor> inputs;
  std::vector<std::uint32_t> input_versions;
  std::shared_ptr<CheckpointFrame> parent;
  std::vector<Note> notes;
};

std::shared_ptr<const CheckpointFrame::State> CheckpointFrame::state() const {
  return std::make_shared<const State>(State{inputs_, input_versions_, parent_, notes_});
}

void CheckpointFrame::set_state(const State& state) {
  inputs_ = state.inputs;
  input_versions_ = state.input_versions;
  parent_ = state.parent;
  notes_ = state.notes;
}

CheckpointFrame::CheckpointFrame(const TensorFunction& function, const std::vector<Tensor>& inputs)
    : function_(function),
      inputs_(inputs),
      start_(next_sequence(0)),
      generator_(default_generator()),
      autocast_(autocast_enabled()) {
  for (const Tensor& input : inputs_) {
    input_versions_.push_back(input.defined() ? input.version() : 0);
    inputs_require_grad_.push_back(input.requires_grad());
  }
}

std::vector<Tensor> CheckpointFrame::run() {
  auto* const around = dynamic_cast<CheckpointFrame*>(detail::save_observer);
  if (around != nullptr) {
    start_ = around->start_;
    outside_ = around->outside_;
  } else {
    for (const Tensor& input : inputs_) {
      if (input.defined()) outside_.push_back(input.storage().get());
    }
  }
  if (detail::save_observer != nullptr) detail::save_observer->entered(shared_from_this(), inputs_);
  std::vector<Tensor> outputs;
  {
    const Observing observing(*this);
    const RandomLogging logging(random_, RandomLogging::Mode::record);
    outputs = function_(inputs_);
  }
  drop_all();
  return outputs;
}

/// Whether `t` outlives the function anyway.
bool CheckpointFrame::made_outside(const Tensor& t) const {
  if (t.requires_grad() && (t.node()->is_leaf() || t.node()->sequence() <= start_)) return true;
  return std::find(outside_.begin(), outside_.end(), t.storage().get()) != outside_.end();
}

void CheckpointFrame::recorded(Node& node, std::span<const Tensor* const> inputs) {
  for (const Tensor* input : inputs) {
    const bool outside = input->defined() && made_outside(*input);
    versions_.push_back(outside ? input->version() : kMadeInside);
  }
  if (node.saved_count_ == 0) return;
  Note note;
  note.node = NodePointer(&node);
  note.tensors.resize(node.saved_count_);
  notes_.push_back(std::move(note));
}

void CheckpointFrame::entered(const std::shared_ptr<CheckpointFrame>& inside, std::span<const Tensor> inputs) {
  Note note;
  note.frame = inside;
  note.tensors.resize(inputs.size());
  inside->parent_ = shared_from_this();
  inside->note_in_parent_ = notes_.size();
  notes_.push_back(std::move(note));
}

CheckpointFrame::Dropped CheckpointFrame::drop(Tensor& t) const {
  Dropped dropped;
  if (!t.defined() || made_outside(t)) return dropped;
  dropped.dropped = true;
  dropped.spec = t.spec();
  dropped.storage = t.storage().get();
  dropped.version = t.version();
  t = Tensor();
  return dropped;
}

void CheckpointFrame::drop_all() {
  for (std::size_t n = 0; n < notes_.size(); ++n) {
    Note& note = notes_[n];
    bool any = false;
    if (const NodePointer node = std::move(note.node)) {
      if (node->released_) continue;
      for (std::size_t k = 0; k < note.tensors.size(); ++k) {
        note.tensors[k] = drop(node->saved_at()[k].tensor);
        any |= note.tensors[k].dropped;
      }
      if (!any) continue;
      node->extras().checkpoint = shared_from_this();
      node->extras().checkpoint_note = n;
    } else if (const auto frame = note.frame.lock()) {
      for (std::size_t k = 0; k < note.tensors.size(); ++k) {
        note.tensors[k] = drop(frame->inputs_[k]);
        any |= note.tensors[k].dropped;
      }
      if (!any) frame->parent_.reset();
    }
  }
}

void CheckpointFrame::forget(std::size_t note) {
  std::vector<Tensor> tensors;
  const std::lock_guard lock(mutex_);
  notes_[note].wanted = false;
  tensors.swap(notes_[note].recomputed);
}

void CheckpointFrame::restore(Node& node) {
  const std::shared_ptr<CheckpointFrame> frame = node.extras_->checkpoint;
  const std::size_t n = node.extras_->checkpoint_note;
  {
    const std::lock_guard lock(frame->mutex_);
    std::vector<Tensor> recomputed = frame->take(n);
    for (std::size_t k = 0; k < recomputed.size(); ++k) {
      if (!frame->notes_[n].tensors[k].dropped) continue;
      SavedTensor& kept = node.saved_at()[k];
      kept.tensor = std::move(recomputed[k]);
      kept.version = kept.tensor.version();
      // An output stays without history, and so does a workspace: see Recorder::attach().
      if (kept.input < 0) continue;
      if (const Edge& edge = node.edges_[kept.input]; edge.node) kept.tensor.set_node(edge.node, edge.output);
    }
  }
  node.leave_checkpoint();
}

std::vector<Tensor> CheckpointFrame::take(std::size_t note) {
  if (notes_[note].recomputed.empty()) recompute();
  return std::move(notes_[note].recomputed);
}

std::vector<Tensor> CheckpointFrame::inputs_again() {
  if (const std::shared_ptr<CheckpointFrame> parent = std::move(parent_)) {
    const std::lock_guard lock(parent->mutex_);
    std::vector<Tensor> recomputed = parent->take(note_in_parent_);
    for (std::size_t i = 0; i < recomputed.size(); ++i) {
      if (!recomputed[i].defined()) continue;
      inputs_[i] = std::move(recomputed[i]);
      input_versions_[i] = inputs_[i].version();
    }
    parent->forget(note_in_parent_);
  }
  std::vector<Tensor> inputs = inputs_;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    if (inputs[i].version() != input_versions_[i])
      throw_changed(fmt::format("input {}{}", i, named(inputs[i])), inputs[i], input_versions_[i]);
    inputs[i] = inputs[i].detach();
    if (inputs_require_grad_[i]) inputs[i].requires_grad_();
  }
  return inputs;
}

void CheckpointFrame::recompute() {
  if (recomputing_) {
    throw GradientError(
        "checkpoint: the function's second call asks for what it is to make (want no backward over its own results in "
        "it)");
  }
  struct Flag {
    bool& value;
    ~Flag() { value = false; }
  };
  const Flag flag{recomputing_};
  recomputing_ = true;
  const std::vector<Tensor> inputs = inputs_again();
  SecondCall second(*this);
  const Observing observing(second);
  const RandomLogging logging(random_, RandomLogging::Mode::replay);
  const DefaultGenerator generator(generator_);
  const Autocast autocast(autocast_);
  const GradMode recording(true);
  const Recomputing counted;
  static_cast<void>(function_(inputs));
  second.finish();
}

std::vector<Tensor> checkpoint(const TensorFunction& function, const std::vector<Tensor>& inputs) {
  function.check_arity("checkpoint", inputs.size());
  if (!grad_enabled()) return function(inputs);
  return std::make_shared<CheckpointFrame>(function, inputs)->run();
}

Recomputing::Recomputing(bool on) : on_(on) { second_calls += on_ ? 1 : 0; }
Recomputing::~Recomputing() { second_calls -= on_ ? 1 : 0; }

bool recomputing() { return second_calls > 0 || Rehearsal::current() != nullptr; }

}  // namespace dagrad
