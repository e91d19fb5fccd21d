#include "dagrad/core/op_names.h"

#include <algorithm>
#include <mutex>

namespace dagrad {
namespace {

struct Names {
  std::mutex mutex;
  std::vector<std::string_view> list;
};

// Names arrive while other files' variables are being initialised, so the list is made at its first use.
Names& names() {
  static Names instance;
  return instance;
}

}  // namespace

OpName::OpName(std::string_view name) {
  const std::lock_guard lock(names().mutex);
  names().list.push_back(name);
}

std::vector<std::string_view> op_names() {
  std::vector<std::string_view> result;
  {
    const std::lock_guard lock(names().mutex);
    result = names().list;
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace dagrad
