// The tests' parameters: an op, or an op with one of its samples.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "op_table/inputs.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {

/// An op with one of its samples.
struct Case {
  const Row* row;
  const Sample* sample;
  std::string name() const { return row->name + "__" + sample->name; }
};
inline void PrintTo(const Case& c, std::ostream* out) {
  *out << c.row->name << " (" << c.row->formula << "), sample " << c.sample->name;
}
inline void PrintTo(const Row* row, std::ostream* out) { *out << row->name << " (" << row->formula << ")"; }

/// The samples that `which(row, sample)` takes.
template <class F>
std::vector<Case> cases(const F& which) {
  std::vector<Case> result;
  for (const Row& row : rows()) {
    for (const Sample& sample : row.samples) {
      if (which(row, sample)) result.push_back({&row, &sample});
    }
  }
  return result;
}

/// The rows that `which(row)` takes.
template <class F>
std::vector<const Row*> rows_where(const F& which) {
  std::vector<const Row*> result;
  for (const Row& row : rows()) {
    if (which(row)) result.push_back(&row);
  }
  return result;
}

inline std::string case_name(const ::testing::TestParamInfo<Case>& info) { return info.param.name(); }
inline std::string row_name(const ::testing::TestParamInfo<const Row*>& info) { return info.param->name; }

}  // namespace dagrad::op_table
