// All that a training run depends on, in one file, for going on later as if nothing had happened.
#pragma once

#include <concepts>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/random.h"
#include "dagrad/nn/io/safetensors.h"
#include "dagrad/nn/module.h"
#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/state.h"

namespace dagrad::nn {

/// How a part of a run is saved and loaded.
struct CheckpointPart {
  std::function<optim::State()> state;
  /// Checks a state and returns what takes it over and cannot fail. Throws UsageError.
  std::function<std::function<void()>(const optim::State&)> prepare;
};

/// What a checkpoint holds.
struct CheckpointContent {
  std::map<std::string, optim::State> parts;
  io::Metadata notes;
};

/// Gathers the parts of a run under names, saves them to one file and loads them again:
///
///   nn::Checkpoint checkpoint;
///   checkpoint.add("model", net);
///   checkpoint.add("optimizer", optimizer);
///   checkpoint.add("generator", default_generator());
///   checkpoint.add("loader", loader);
///   checkpoint.save("run.safetensors");
///
/// With these, and what else the loop uses of schedulers, averages and scalers, a run that goes on from the file equals
/// the one that was not interrupted bit for bit (on the same number of threads). Save between two steps; a loader's
/// place is behind the batch that was taken last.
///
/// The file is safetensors, which other tools read: tensors are named `<part>.<name>`, so that of "model" come the
/// parameters and buffers of the module; numbers stand in the metadata as hexadecimal, which keeps every bit. A CRC-32
/// in the metadata covers all names, numbers, element types, shapes and elements, though not how the header writes them
/// down. The file is written atomically: whatever happens, it holds the checkpoint before or this one.
///
/// The parts must outlive the object. Not thread-safe.
class Checkpoint {
 public:
  /// A module's parameters and buffers, and the generators inside.
  void add(const std::string& name, Module& module);
  /// A generator's seed and position.
  void add(const std::string& name, Generator& generator);
  /// What has a state() and a prepare_state(): optimizers, schedulers, averages, GradScaler, DataLoader. Optimizers are
  /// loaded last, because schedulers set their rates.
  template <class Part>
  requires(!std::derived_from<Part, Module> && !std::same_as<Part, CheckpointPart>) void add(const std::string& name,
                                                                                             Part& part) {
    add(name,
        {[&part] { return part.state(); }, [&part](const optim::State& state) { return part.prepare_state(state); }},
        std::derived_from<Part, optim::Optimizer>);
  }
  /// Anything else. Throws UsageError for a name that is taken, empty, "dagrad" or "note", or has a dot.
  void add(const std::string& name, CheckpointPart part, bool load_last = false);

  /// Writes all parts. `notes` are texts for whoever reads the file. Throws IoError, and then an earlier file is
  /// untouched.
  void save(const std::filesystem::path& file, const io::Metadata& notes = {}) const;
  /// Reads all parts. Throws IoError when the file is damaged or no checkpoint, UsageError that lists everything that
  /// does not fit the parts here; then nothing has been changed.
  void load(const std::filesystem::path& file) const;
  /// The same from what read_checkpoint() gave; `who` is for the error.
  void load(const CheckpointContent& content, const std::string& who) const;

 private:
  struct Entry {
    std::string name;
    CheckpointPart part;
    bool load_last;
  };
  std::vector<Entry> entries_;
};

/// Reads a checkpoint without loading it into anything. Throws IoError when it is damaged, or is none.
CheckpointContent read_checkpoint(const std::filesystem::path& file);

}  // namespace dagrad::nn
