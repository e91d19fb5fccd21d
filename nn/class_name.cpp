#include "dagrad/nn/class_name.h"

#include <boost/core/demangle.hpp>

namespace dagrad::nn {

std::string_view last_name(std::string_view demangled) {
  // From the end, for what stands in brackets (template arguments, parameters of an enclosing function) has colons of
  // its own.
  std::size_t end = demangled.size(), at = end;
  for (int depth = 0; at > 0; --at) {
    const char c = demangled[at - 1];
    if (c == '>' || c == ')' || c == '}') ++depth;
    if (depth == 0 && c == ':') break;
    if (c == '<' || c == '(' || c == '{') --depth;
    if (c == '<' && depth == 0) end = at - 1;
  }
  return demangled.substr(at, end - at);
}

std::string class_name(const std::type_info& type) {
  return std::string(last_name(boost::core::demangle(type.name())));
}

}  // namespace dagrad::nn
