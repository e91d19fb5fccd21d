#include "tools/table_rows.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "tools/suggest.h"
#include "tools/table.h"

namespace dagrad::tools {

std::vector<const op_table::Row*> rows_named(const std::string& command, const std::vector<std::string>& names) {
  std::vector<const op_table::Row*> result;
  const std::vector<std::string> known = row_names();
  for (const op_table::Row& row : op_table::rows()) {
    if (names.empty() || std::find(names.begin(), names.end(), row.name) != names.end()) result.push_back(&row);
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(
          fmt::format("{}: no op '{}'{} (see dagrad {} --list)", command, name, suggestion(name, known), command));
    }
  }
  return result;
}

std::string formulas_text(const std::vector<const op_table::Row*>& rows) {
  Table table{{"op", "formula"}};
  for (const op_table::Row* row : rows) table.rows.push_back({row->name, row->formula});
  return text_of(table);
}

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  names.reserve(op_table::rows().size());
  for (const op_table::Row& row : op_table::rows()) names.push_back(row.name);
  return names;
}

}  // namespace dagrad::tools
