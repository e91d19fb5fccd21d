// The name of a class as its author wrote it. Internal.
#pragma once

#include <string>
#include <string_view>
#include <typeinfo>

namespace dagrad::nn {

/// "Net" for app::Net, Net<3> and a Net inside of a function.
std::string class_name(const std::type_info& type);

/// The same of a demangled name.
std::string_view last_name(std::string_view demangled);

}  // namespace dagrad::nn
