// Errors that say which module they come from. Internal.
#pragma once

#include "dagrad/core/error.h"
#include "dagrad/nn/module_scope.h"

namespace dagrad::nn {

/// How many modules of the calling thread run within each other.
class ModuleDepth {
 public:
  ModuleDepth() { ++depth; }
  ~ModuleDepth() { --depth; }
  ModuleDepth(const ModuleDepth&) = delete;
  ModuleDepth& operator=(const ModuleDepth&) = delete;
  static bool is_outermost() { return depth == 1; }

 private:
  static constinit thread_local int depth;
};

/// Throws the error being handled again. Out of the outermost module it is one of the same type whose message also
/// tells the innermost module that it went through: `..., in '0' Linear(784, 128) of Net`. Only errors of shapes,
/// element types and usage are told so: the others say themselves where they come from.
[[noreturn]] void rethrow_from(Module& module, const Error& error);

/// Runs what `module` does, under its name and with errors that tell it.
template <class Run>
Tensor run_as(Module& module, const Run& run) {
  const ModuleName scope(name_in_messages(module));
  const ModuleDepth depth;
  try {
    return run();
  } catch (const Error& error) {
    rethrow_from(module, error);
  }
}

}  // namespace dagrad::nn
