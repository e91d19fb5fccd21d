// Other frameworks, as commands that measure themselves.
#pragma once

#include <string>
#include <vector>

namespace dagrad::compare {

/// One line of a peer: what it is called, and what a workload took it.
struct PeerFigure {
  std::string workload;
  int threads;
  std::string peer;
  double seconds;
};

/// Lines of `name<TAB>threads<TAB>peer<TAB>microseconds`; other lines are passed over.
std::vector<PeerFigure> parse_peer_output(const std::string& text);

/// Runs a peer's command in the shell, with `{threads}` and `{filter}` replaced in it by the number of threads and the
/// part of the workloads' names that is asked for (quoted for the shell, empty for all), and parses what it prints.
/// Throws IoError when the command fails.
std::vector<PeerFigure> run_peer(const std::string& command, int threads, const std::string& filter);

/// The peers that lie in `folder`: programs whose names begin with `peer_`, as commands for run_peer().
std::vector<std::string> peers_in(const std::string& folder);

}  // namespace dagrad::compare
