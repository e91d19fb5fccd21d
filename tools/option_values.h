// What boost's reader says of options, in dagrad's words.
#pragma once

#include <boost/program_options.hpp>
#include <string>

namespace dagrad::tools {

/// Throws UsageError `--epochs: 'abc' (want a whole number)` for the first value that is none of its option's type;
/// `where` goes before it.
void check_values(const boost::program_options::parsed_options& given,
                  const boost::program_options::options_description& all, const std::string& where);

/// The option's name as it is typed: `--epochs`.
std::string typed_name(const std::string& option_name);

/// What is wrong with how an option is given: without a value, with one too many, twice. `why` follows at the end.
std::string complaint(const boost::program_options::error_with_option_name& error,
                      const boost::program_options::options_description& all, const std::string& see);

}  // namespace dagrad::tools
