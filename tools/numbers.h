// Lists of numbers as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dagrad::tools {

/// "256,128" as numbers from `least` to `most`; none for "" and "none". Throws UsageError
/// `--OPTION: 'x' in '64,x' (want WHAT from LEAST to MOST, like 256,128, or none)`.
std::vector<std::int64_t> parse_whole_numbers(const std::string& option, const std::string& text, std::int64_t least,
                                              std::int64_t most, const std::string& what);

}  // namespace dagrad::tools
