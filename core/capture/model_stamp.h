// What captured steps know of modules, which are not theirs to look into. Internal.
#pragma once

#include <cstdint>

namespace dagrad {

/// How the program's modules stand.
struct ModelStamp {
  std::uint64_t modes = 0;    ///< which were switched between training and evaluation; switched back, what it was
  std::uint64_t changes = 0;  ///< how often one had its parameters replaced, frozen or thawed
};

ModelStamp model_stamp();
/// `module` has been switched from training to evaluation or back.
void note_mode_switch(const void* module);
/// A module's parameters have been replaced, frozen or thawed.
void note_model_change();
/// How often the calling thread has told that.
std::uint64_t model_changes_by_this_thread();

}  // namespace dagrad
