// The names of all ops.
#pragma once

#include <string_view>
#include <vector>

namespace dagrad {

/// The names of the ops that are part of this program, users' own among them, sorted and without repeats. An op is part
/// of it when some code that was linked applies it, whether or not it ever runs. Thread-safe.
std::vector<std::string_view> op_names();

/// Puts a name into op_names(); `name` must live as long as the program.
class OpName {
 public:
  explicit OpName(std::string_view name);
};

}  // namespace dagrad
