#include "tools/option_list.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "dagrad/core/error.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr unsigned kLineLength = 110;  // of --help

template <class T>
constexpr bool kIsOptional = false;
template <class T>
constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
po::typed_value<T>* with_default(T& target, const std::string& shown) {
  return po::value(&target)->default_value(target, fmt::format("{}", target))->value_name(shown);
}

template <class T>
po::typed_value<T>* without_default(std::optional<T>& target, const std::string& shown) {
  return po::value<T>()->notifier([&target](const T& given) { target = given; })->value_name(shown);
}

}  // namespace

OptionList::OptionList(std::string title)
    : title_(std::move(title)), description_(title_, kLineLength, kLineLength / 2) {}

template <class T>
void OptionList::remember(const std::string& name, T& target) {
  const auto get = [&target]() -> Json {
    if constexpr (kIsOptional<T>)
      return target ? Json(*target) : Json();
    else if constexpr (std::is_same_v<T, std::string>)
      return target.empty() ? Json() : Json(target);
    else
      return target;
  };
  const auto set = [&target](const Json& value) {
    if constexpr (kIsOptional<T>)
      target = value.get<typename T::value_type>();
    else
      target = value.get<T>();
  };
  // A short name may follow, as in "quiet,q".
  entries_.push_back({name.substr(0, name.find(',')), get, set});
}

OptionList& OptionList::add(const std::string& name, std::string& target, const std::string& shown,
                            const std::string& help) {
  auto* const value = po::value(&target)->value_name(shown);
  if (!target.empty()) value->default_value(target);
  description_.add_options()(name.c_str(), value, help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, double& target, const std::string& shown,
                            const std::string& help) {
  description_.add_options()(name.c_str(), with_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, std::int64_t& target, const std::string& shown,
                            const std::string& help) {
  description_.add_options()(name.c_str(), with_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, std::uint64_t& target, const std::string& shown,
                            const std::string& help) {
  description_.add_options()(name.c_str(), with_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, int& target, const std::string& shown, const std::string& help) {
  description_.add_options()(name.c_str(), with_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, std::optional<double>& target, const std::string& shown,
                            const std::string& help) {
  description_.add_options()(name.c_str(), without_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, std::optional<std::int64_t>& target, const std::string& shown,
                            const std::string& help) {
  description_.add_options()(name.c_str(), without_default(target, shown), help.c_str());
  remember(name, target);
  return *this;
}

OptionList& OptionList::add(const std::string& name, bool& target, const std::string& help) {
  description_.add_options()(name.c_str(), po::bool_switch(&target)->default_value(target), help.c_str());
  remember(name, target);
  return *this;
}

Json OptionList::values() const {
  Json result = Json::object();
  for (const Entry& entry : entries_) {
    if (Json value = entry.get(); !value.is_null()) result[entry.name] = std::move(value);
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> OptionList::texts() const {
  std::vector<std::pair<std::string, std::string>> result;
  const Json all = values();
  for (const auto& [name, value] : all.items())
    result.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return result;
}

void OptionList::read(const Json& values, const std::string& who) {
  if (!values.is_object()) throw IoError(fmt::format("{}: is {} (want options)", who, values.type_name()));
  for (const auto& [name, value] : values.items()) {
    // NOLINTNEXTLINE(clang-analyzer-*): the name is that of the loop
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&wanted = name](const Entry& candidate) { return candidate.name == wanted; });
    if (entry == entries_.end()) throw IoError(fmt::format("{}: unknown option '{}'", who, name));
    try {
      entry->set(value);
    } catch (const Json::exception&) {
      throw IoError(fmt::format("{}: option '{}' is {}", who, name, value.dump()));
    }
  }
}

}  // namespace dagrad::tools
