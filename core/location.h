// Where in the user's source an op was called.
#pragma once

#include <cstdint>

namespace dagrad {

/// A place in the source. As a defaulted last argument it names the caller's line, at the cost of two registers.
/// (std::source_location is missing in clang 14 with libstdc++ 12; both compilers have the builtins.)
struct Location {
  const char* file = "";
  std::uint32_t line = 0;

  static constexpr Location current(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace dagrad
