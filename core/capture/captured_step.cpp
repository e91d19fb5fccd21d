#include "dagrad/core/capture/captured_step.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <optional>

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/model_stamp.h"
#include "dagrad/core/capture/program.h"
#include "dagrad/core/capture/session.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"

namespace dagrad {
namespace {

/// All that a kernel may choose by, and the modes of the modules.
struct Signature {
  std::vector<Spec> inputs;
  std::uint64_t modes;
  int threads;
  bool deterministic, recording, autocast;

  explicit Signature(std::span<const Tensor> tensors)
      : modes(model_stamp().modes),
        threads(num_threads()),
        deterministic(dagrad::deterministic()),
        recording(grad_enabled()),
        autocast(autocast_enabled()) {
    for (const Tensor& t : tensors) inputs.push_back(t.spec_with_format());
  }
  bool operator==(const Signature& other) const {
    const auto same = [](const Spec& a, const Spec& b) {
      return a.shape == b.shape && a.dtype == b.dtype && a.format == b.format;
    };
    return modes == other.modes && threads == other.threads && deterministic == other.deterministic &&
           recording == other.recording && autocast == other.autocast &&
           std::equal(inputs.begin(), inputs.end(), other.inputs.begin(), other.inputs.end(), same);
  }
};

void check_inputs(std::span<const Tensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) throw CaptureError(fmt::format("captured step: input {} is undefined", i));
    if (inputs[i].requires_grad()) {
      throw CaptureError(fmt::format(
          "captured step: input {}, {} {}, requires a gradient (want requires_grad_() on its detach() in the step)", i,
          name_of(inputs[i].dtype()), inputs[i].shape().str()));
    }
  }
}

Tensor copy_of(const Tensor& t) {
  Tensor copy = Tensor::allocate(t.spec_with_format());
  copy_elements(t, copy);
  return copy;
}

void forget_history(std::vector<Tensor>& tensors) {
  for (Tensor& t : tensors) {
    if (t.defined()) t = t.detach();
  }
}

/// Results that nobody else holds, so that nobody changes them.
std::vector<Tensor> on_their_own(std::vector<Tensor> results) {
  forget_history(results);
  for (Tensor& t : results) {
    if (t.defined() && !t.owns_elements_alone()) t = copy_of(t);
  }
  return results;
}

/// What a capture holds for, besides the inputs' types.
struct Circumstances {
  std::uint64_t seed = default_generator().seed(), model_changes = model_stamp().changes;
  bool operator==(const Circumstances&) const = default;
};

}  // namespace

struct CapturedCalls::State {
  struct Kept {
    Signature signature;
    std::vector<Tensor> inputs = {};  // where the function finds them from the second call on
    Circumstances captured_in = {};
    bool warm = false;
    std::optional<Recording> first = {};
    std::unique_ptr<Program> program = {};
    std::size_t replays = 0;
  };

  TensorFunction function;
  std::size_t max_variants;
  std::deque<Kept> variants = {};  // a call within the first call of one may add others

  Kept* find(std::span<const Tensor> inputs) {
    Signature signature(inputs);
    const auto same = [&](const Kept& kept) { return kept.signature == signature; };
    if (const auto found = std::find_if(variants.begin(), variants.end(), same); found != variants.end())
      return &*found;
    if (variants.size() >= max_variants) return nullptr;
    return &variants.emplace_back(Kept{std::move(signature)});
  }

  /// Forgets what holds no longer: it is captured anew.
  static void renew(Kept& kept) {
    if (Circumstances now; kept.captured_in != now) {
      kept.captured_in = now;
      kept.first.reset();
      kept.program.reset();
    }
    if (kept.program != nullptr && !kept.program->still_fits()) kept.program.reset();
  }

  void take(Kept& kept, std::span<const Tensor> inputs) const {
    if (kept.inputs.empty()) {
      for (const Tensor& t : inputs) kept.inputs.push_back(copy_of(t));
      return;
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) copy_elements(inputs[i], kept.inputs[i]);
  }

  /// The function must change neither its inputs, of which it has copies, nor what its model consists of.
  static void check_left_alone(const Kept& kept, std::span<const std::uint32_t> versions, std::uint64_t changes) {
    for (std::size_t i = 0; i < versions.size(); ++i) {
      if (kept.inputs[i].version() == versions[i]) continue;
      throw CaptureError(
          fmt::format("captured step: input {} was changed in place by {} (want a clone() changed, or the "
                      "tensor read as one from outside, not as an input)",
                      i, kept.inputs[i].storage()->last_change()));
    }
    if (model_changes_by_this_thread() != changes) {  // another thread's are those of another model
      throw CaptureError(
          "captured step: a module's parameters were replaced, frozen or thawed in the step, by requires_grad_() or "
          "to() (want that done between steps, or detach() of what is not to be trained)");
    }
  }

  std::vector<Tensor> capture(Kept& kept) const {
    std::vector<Tensor> results;
    Recording recording;
    std::vector<std::uint32_t> versions;
    for (const Tensor& t : kept.inputs) versions.push_back(t.version());
    const std::uint64_t changes = model_changes_by_this_thread();
    {
      CaptureSession session(kept.first ? &*kept.first : nullptr);
      results = function(kept.inputs);
      forget_history(results);
      check_left_alone(kept, versions, changes);
      recording = session.finish(results);
    }
    results = on_their_own(std::move(results));
    if (!kept.first) {
      kept.first = std::move(recording);
      return results;
    }
    Recording first = std::move(*kept.first);
    kept.first.reset();
    const std::string what = difference(first, recording);
    if (!what.empty()) {
      throw CaptureError(
          fmt::format("captured step: the function does not do the same each time: {} (want changing numbers in "
                      "tensors, and effects in each_replay())",
                      what));
    }
    keep_draws_that_repeat(first, recording);
    const std::string holder = op_holding_a_block(first);
    if (!holder.empty()) refuse_holder(holder);
    kept.program = std::make_unique<Program>(recording);
    return results;
  }

  std::vector<Tensor> call(std::span<const Tensor> inputs) {
    if (watched(Watch::capture)) throw CaptureError("captured step: called within another one (want one around both)");
    check_inputs(inputs);
    Kept* const kept = watched_but_for(Watch::ledger) ? nullptr : find(inputs);
    if (kept == nullptr) return on_their_own(function(inputs));
    if (!kept->warm) {
      std::vector<Tensor> results = on_their_own(function(inputs));
      kept->warm = true;
      return results;
    }
    renew(*kept);
    take(*kept, inputs);
    if (kept->program == nullptr) return capture(*kept);
    kept->program->run();
    ++kept->replays;
    std::vector<Tensor> results;
    for (const Tensor& t : kept->program->outputs()) results.push_back(t.defined() ? copy_of(t) : t);
    return results;
  }
};

CapturedCalls::CapturedCalls(TensorFunction function, std::size_t max_variants)
    : state_(std::make_unique<State>(State{std::move(function), max_variants})) {}
CapturedCalls::~CapturedCalls() = default;
CapturedCalls::CapturedCalls(CapturedCalls&&) noexcept = default;
CapturedCalls& CapturedCalls::operator=(CapturedCalls&&) noexcept = default;

std::vector<Tensor> CapturedCalls::call(std::span<const Tensor> inputs) { return state_->call(inputs); }
void CapturedCalls::reset() { state_->variants.clear(); }

std::vector<CapturedCalls::Variant> CapturedCalls::variants() const {
  std::vector<Variant> result;
  for (const State::Kept& kept : state_->variants) {
    const Program* const program = kept.program.get();
    result.push_back(program == nullptr
                         ? Variant{}
                         : Variant{kept.replays, program->instructions(), program->bytes(), program->least_bytes()});
  }
  return result;
}

std::string CapturedCalls::str() const {
  std::string text;
  for (const State::Kept& kept : state_->variants) {
    for (const Spec& spec : kept.signature.inputs) text += fmt::format("{} {} ", name_of(spec.dtype), spec.shape.str());
    text += '\n';
    text += kept.program == nullptr ? "not captured yet\n" : kept.program->str();
  }
  return text;
}

}  // namespace dagrad
