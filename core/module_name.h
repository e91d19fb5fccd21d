// Which module the calling thread is running, so that recorded ops can be told by it.
#pragma once

#include <string>

namespace dagrad {
namespace detail {

// Read whenever an op is recorded, so without a call.
extern constinit thread_local const std::string* running_module;

}  // namespace detail

/// The one copy of `name` that lives as long as the program. Thread-safe.
const std::string* interned(const std::string& name);

/// For a scope, ops that the calling thread records belong to the module of this (interned) name; null changes nothing.
class ModuleName {
 public:
  explicit ModuleName(const std::string* name) : before_(detail::running_module) {
    if (name != nullptr) detail::running_module = name;
  }
  ~ModuleName() { detail::running_module = before_; }
  ModuleName(const ModuleName&) = delete;
  ModuleName& operator=(const ModuleName&) = delete;

 private:
  const std::string* before_;
};

}  // namespace dagrad
