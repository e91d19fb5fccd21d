// What was measured of a case of the op table, and how it is told.
#pragma once

#include <string>
#include <vector>

namespace dagrad::compare_ops {

struct CaseComparison {
  std::string op, sample, kind;
  int threads = 1;
  std::vector<double> ours = {}, theirs = {};  ///< seconds, one a round
  std::string not_compared = "";               ///< why; empty: it was

  double our_seconds() const;
  double their_seconds() const;
  /// The median over the rounds of theirs over ours.
  double ratio() const;
  std::string name() const { return op + "/" + sample + "/" + kind; }
};

/// A table of every case, and below it how many there are and where dagrad is slower, the worst first.
std::string table_of(const std::vector<CaseComparison>& all);
/// The same with every round.
std::string json_of(const std::vector<CaseComparison>& all);

}  // namespace dagrad::compare_ops
