// The op reference, docs/ops.md, as the op table and the sources give it.
#pragma once

#include <filesystem>
#include <string>

namespace dagrad::op_table {

/// The reference of every row as Markdown. `root`: the folder of the sources.
std::string op_reference(const std::filesystem::path& root);

}  // namespace dagrad::op_table
