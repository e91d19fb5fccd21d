#include "dagrad/nn/failing_module.h"

#include <fmt/format.h>
#include <string>
#include <typeinfo>
#include <utility>

namespace dagrad::nn {

constinit thread_local int ModuleDepth::depth = 0;

namespace {

/// The innermost module that an error went through. It may be gone when the outermost is reached, so what is said of it
/// is kept. What belongs to an error that somebody has caught meanwhile is known by another message.
struct Failure {
  const Module* module = nullptr;
  std::string description;
  std::string message;
};
thread_local Failure failure;

/// Whether a module's own message begins with its name.
bool names_itself(const Failure& failed) {
  const std::string name = failed.description.substr(0, failed.description.find('('));
  return failed.message.starts_with(name + ":");
}

std::string path_to(const Failure& failed, Module& root) {
  if (failed.module == &root) return failed.description;
  for (const auto& [name, part] : root.named_modules()) {
    if (part == failed.module) return fmt::format("'{}' {} of {}", name, failed.description, root.describe());
  }
  return fmt::format("{} of {}", failed.description, root.describe());
}

template <class... Kinds>
[[noreturn]] void throw_like(const Error& error, const std::string& message) {
  ((typeid(error) == typeid(Kinds) ? throw Kinds(message) : void()), ...);
  throw;
}

}  // namespace

void rethrow_from(Module& module, const Error& error) {
  if (failure.module == nullptr || failure.message != error.what())
    failure = {&module, module.describe(), error.what()};
  if (!ModuleDepth::is_outermost()) throw;
  const Failure failed = std::exchange(failure, {});
  if (failed.module == &module && names_itself(failed)) throw;
  throw_like<ShapeError, DTypeError, UsageError>(error,
                                                 fmt::format("{}, in {}", failed.message, path_to(failed, module)));
}

}  // namespace dagrad::nn
