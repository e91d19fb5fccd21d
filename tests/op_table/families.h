// Families of rows that stand in files of their own beside those that op_table.h lists.
#pragma once

#include <vector>

#include "op_table/op_table.h"

namespace dagrad::op_table {

std::vector<Row> interpolate_rows();
std::vector<Row> meshgrid_rows();
std::vector<Row> counting_rows();
std::vector<Row> sampling_rows();

}  // namespace dagrad::op_table
