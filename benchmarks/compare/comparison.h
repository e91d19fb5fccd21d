// What was measured of a workload on a number of threads, and what follows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compare/limit.h"

namespace dagrad::compare {

struct Comparison {
  std::string workload;
  int threads = 1;
  std::vector<double> ours;                          ///< seconds, one a round
  std::map<std::string, std::vector<double>> peers;  ///< the same, by the peer's name
  std::optional<Limit> limit;
  std::optional<double> target;  ///< the ratio to reach
  double peak_bytes = 0;         ///< what there was at most at a time: data, parameters, states, gradients and graph

  double our_seconds() const;
  /// The fastest by its median; nothing where no peer has this workload.
  std::optional<std::string> best_peer() const;
  std::optional<double> peer_seconds() const;
  /// The median over the rounds of the best peer's time over ours.
  std::optional<double> ratio() const;
  /// Ours over the limit.
  std::optional<double> distance() const;
  /// Whether the ratio is at least the target, or 1 where there is none; nothing without a peer.
  std::optional<bool> reached() const;
};

/// A table for a terminal, and below it what to notice.
std::string table_of(const std::vector<Comparison>& all);
/// The same with every round, as JSON.
std::string json_of(const std::vector<Comparison>& all, int rounds);

/// Ratios by workload, of lines `name<TAB>ratio`; what follows # is a comment. Throws IoError.
std::map<std::string, double> read_targets(const std::string& file);

}  // namespace dagrad::compare
