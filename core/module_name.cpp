#include "dagrad/core/module_name.h"

#include <mutex>
#include <unordered_set>

namespace dagrad {
namespace detail {

constinit thread_local const std::string* running_module = nullptr;

}  // namespace detail

const std::string* interned(const std::string& name) {
  static std::mutex mutex;
  static auto* const names = new std::unordered_set<std::string>;  // never freed: nodes may outlive static objects
  const std::lock_guard lock(mutex);
  return &*names->insert(name).first;
}

}  // namespace dagrad
