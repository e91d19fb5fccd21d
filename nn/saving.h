// A module's parameters and buffers: taking them out, putting them in, saving and loading them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dagrad/nn/io/safetensors.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// The parameters and buffers of `module` under their dotted names, in the order of its parts; the module's own
/// tensors, not copies. A tensor that is shared is listed once, under its first name (PyTorch's state_dict).
io::NamedTensors state(const Module& module);

/// The same as copies, which later training leaves as they are.
io::NamedTensors copy_state(const Module& module);

struct LoadOptions {
  bool strict = true;    ///< names must be the same on both sides; else those that are missing or unknown are left out
  bool convert = false;  ///< take floating elements of another floating type, rounding them to the module's
};

/// What was left out, which is nothing when strict.
struct LoadReport {
  std::vector<std::string> missing;     ///< names of the module without a tensor
  std::vector<std::string> unexpected;  ///< names of tensors without a place in the module
};

/// Copies `tensors` into those of `module` that have the same names (PyTorch's load_state_dict). For a tensor that the
/// module shares, any of its names will do; if several are given they must be equal. Throws UsageError that lists
/// everything that does not fit, and then nothing has been changed: names (if strict), shapes, element types.
LoadReport load_state(Module& module, const io::NamedTensors& tensors, const LoadOptions& options = {});

/// Checks strictly what load_state would, and returns what copies the tensors and cannot fail: for loading several
/// things or none. Throws UsageError that lists everything that does not fit.
[[nodiscard]] std::function<void()> prepare_state(Module& module, const io::NamedTensors& tensors);

/// Saves state(module) to a file by the end of its name: .safetensors or .npz. Atomically. `metadata` is for
/// safetensors alone. Throws UsageError for another name, IoError.
void save(const Module& module, const std::filesystem::path& file, const io::Metadata& metadata = {});

/// load_state from such a file, whose name begins every message. Throws IoError as well.
LoadReport load(Module& module, const std::filesystem::path& file, const LoadOptions& options = {});

/// Named tensors from a file, by the end of its name: .safetensors, .npz, or .npy (whose one tensor is named as the
/// file).
io::NamedTensors load_tensors(const std::filesystem::path& file);

}  // namespace dagrad::nn
