// Choosing rows of the op table by name.
#pragma once

#include <string>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::tools {

/// The rows named, or all when none is. Throws UsageError, with a suggestion, for a name that no row has.
std::vector<const op_table::Row*> rows_named(const std::string& command, const std::vector<std::string>& names);

/// The names of all rows.
std::vector<std::string> row_names();

/// Their names and formulas as lines.
std::string formulas_text(const std::vector<const op_table::Row*>& rows);

}  // namespace dagrad::tools
