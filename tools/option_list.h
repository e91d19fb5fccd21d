// Options, told once.
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dagrad::tools {

/// The options of one idea: each a name, the variable that it sets, and a line of help. From that one list come the
/// command line and --help, the files of options, and the configuration that is saved with a model. The variables must
/// outlive the list; their values when an option is added are its default.
class OptionList {
 public:
  explicit OptionList(std::string title);

  /// `shown` stands for the value in --help. An option that is not given, or an empty text, has no value.
  OptionList& add(const std::string& name, std::string& target, const std::string& shown, const std::string& help);
  OptionList& add(const std::string& name, double& target, const std::string& shown, const std::string& help);
  OptionList& add(const std::string& name, std::int64_t& target, const std::string& shown, const std::string& help);
  OptionList& add(const std::string& name, std::uint64_t& target, const std::string& shown, const std::string& help);
  OptionList& add(const std::string& name, int& target, const std::string& shown, const std::string& help);
  OptionList& add(const std::string& name, std::optional<double>& target, const std::string& shown,
                  const std::string& help);
  OptionList& add(const std::string& name, std::optional<std::int64_t>& target, const std::string& shown,
                  const std::string& help);
  /// A switch: given or not.
  OptionList& add(const std::string& name, bool& target, const std::string& help);

  const std::string& title() const { return title_; }
  /// For the command line and for --help, under the list's title. What is added to it is no part of the values.
  boost::program_options::options_description& description() { return description_; }
  const boost::program_options::options_description& description() const { return description_; }

  /// The present values by name, in order, without options that have none.
  nlohmann::ordered_json values() const;
  /// The same as text.
  std::vector<std::pair<std::string, std::string>> texts() const;
  /// Sets the variables from what values() gave. Throws IoError beginning with `who` for a name or a value that does
  /// not fit; names that are absent keep their values.
  void read(const nlohmann::ordered_json& values, const std::string& who);

 private:
  struct Entry {
    std::string name;
    std::function<nlohmann::ordered_json()> get;
    std::function<void(const nlohmann::ordered_json&)> set;
  };
  template <class T>
  void remember(const std::string& name, T& target);

  std::string title_;
  boost::program_options::options_description description_;
  std::vector<Entry> entries_;
};

}  // namespace dagrad::tools
