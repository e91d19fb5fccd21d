// compare: the workloads beside other frameworks and beside the limit of the machine, measured in turn.
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <set>

#include "compare/clock.h"
#include "compare/comparison.h"
#include "compare/peers.h"
#include "dagrad/core/allocator.h"
#include "dagrad/core/error.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/option_checks.h"
#include "tools/output.h"

namespace dagrad::compare {
namespace {

constexpr const char* kExamples =
    "compare: the workloads of dagrad beside other frameworks and the limit of the machine\n\n"
    "Examples:\n"
    "  compare                                  all, beside the peers that lie next to this program\n"
    "  compare mlp1024 chain --rounds 5         those whose names contain one of the words\n"
    "  compare --peer './bench.sh {threads} {filter}' --json figures.json\n\n"
    "A peer is a command that prints lines `workload<TAB>threads<TAB>peer<TAB>microseconds`, where {threads} stands\n"
    "for a number and {filter} for a part of the names (nothing for all). Without --peer, the programs peer_* in this\n"
    "program's folder are taken; with neither, dagrad stands beside the limit alone.\n\n";

constexpr const char* kOutcome =
    "\nRatio: the best peer's time over ours, the median of the rounds. Limit: the raw oneDNN primitives of the step\n"
    "at their best layouts, and the bytes that the rest has to move at the measured bandwidth. Distance: ours over\n"
    "the limit.\n"
    "Exit codes: 0 success, 1 with --check when a target is not reached, 2 usage, 3 a peer or a file fails.\n";

struct Options {
  std::vector<std::string> words, peers;
  std::vector<int> threads;
  int rounds = 3;
  double seconds = 0.06;
  std::string json, targets = DAGRAD_TARGETS;
  bool no_limit = false, check = false;
};

using Group = std::vector<const workloads::Workload*>;

class Run {
 public:
  explicit Run(const Options& options) : options_(options), targets_(read_targets(options.targets)) {}

  const std::vector<Comparison>& all() const { return comparisons_; }
  const std::set<std::string>& found() const { return found_; }

  /// Rounds of ours and theirs on the workloads whose names contain `word`.
  void measure(const std::string& word, int threads) {
    Group group;
    for (const workloads::Workload& w : workloads::all()) {
      if (w.name.find(word) != std::string::npos) group.push_back(&w);
    }
    if (group.empty()) throw UsageError(fmt::format("compare: no workload has '{}' in its name", word));
    for (int round = 0; round < options_.rounds; ++round) {
      std::fprintf(stderr, "%s on %d: round %d of %d\n", word.empty() ? "all" : word.c_str(), threads, round + 1,
                   options_.rounds);
      for (const workloads::Workload* w : group) measure_ours(*w, threads);
      for (const std::string& peer : options_.peers) measure_peer(peer, word, threads);
    }
    if (options_.no_limit) return;
    for (const workloads::Workload* w : group) {
      if (w->work.empty()) continue;
      Limit limit = limit_of(w->work, threads);
      limit.products /= w->per;
      limit.moving /= w->per;
      entry(w->name, threads).limit = limit;
    }
  }

 private:
  Comparison& entry(const std::string& workload, int threads) {
    for (Comparison& c : comparisons_) {
      if (c.workload == workload && c.threads == threads) return c;
    }
    Comparison& added = comparisons_.emplace_back();
    added.workload = workload;
    added.threads = threads;
    if (const auto target = targets_.find(workload); target != targets_.end()) added.target = target->second;
    return added;
  }

  void measure_ours(const workloads::Workload& workload, int threads) {
    const workloads::Step step = workloads::prepare(workload, threads);
    for (int i = 0; i < 3; ++i) step();
    reset_peak_bytes();
    Comparison& c = entry(workload.name, threads);
    c.ours.push_back(median(time_rounds(step, 7, options_.seconds)) / workload.per);
    c.peak_bytes = static_cast<double>(allocator_statistics().peak_bytes);
  }

  void measure_peer(const std::string& command, const std::string& word, int threads) {
    std::map<std::pair<std::string, std::string>, double> best;  // a peer may try several ways
    for (const PeerFigure& figure : run_peer(command, threads, word)) {
      found_.insert(figure.peer);
      if (figure.threads != threads) continue;
      const auto [place, is_new] = best.try_emplace({figure.workload, figure.peer}, figure.seconds);
      if (!is_new) place->second = std::min(place->second, figure.seconds);
    }
    for (Comparison& c : comparisons_) {
      if (c.threads != threads) continue;
      for (const auto& [key, seconds] : best) {
        if (key.first == c.workload) c.peers[key.second].push_back(seconds);
      }
    }
  }

  const Options& options_;
  std::map<std::string, double> targets_;
  std::vector<Comparison> comparisons_;
  std::set<std::string> found_;
};

int run(int count, char** arguments) {
  namespace po = boost::program_options;
  Options o;
  po::options_description options("Options");
  options.add_options()("word", po::value(&o.words)->value_name("WORD"), "a part of names; may be left out")(
      "peer", po::value(&o.peers)->value_name("COMMAND"), "another framework; may be repeated")(
      "threads", po::value(&o.threads)->value_name("N"), "may be repeated; 1 and 2 when not given")(
      "rounds", tools::option(o.rounds, "N"), "of each side")("seconds", tools::option(o.seconds, "S"),
                                                              "of one of the seven timings of ours in a round")(
      "json", tools::optional_text(o.json, "FILE"), "every figure; - is stdout")(
      "targets", tools::option(o.targets, "FILE"), "ratios to reach")(
      "no-limit", po::bool_switch(&o.no_limit), "leave the limit out")("check", po::bool_switch(&o.check),
                                                                       "fail when a target is not reached");
  if (!tools::parse_command_line({"compare", kExamples, kOutcome, "word"}, options, {arguments + 1, arguments + count}))
    return tools::kSuccess;
  tools::check_between("rounds", o.rounds, 1, 1000);
  tools::check_range("seconds", o.seconds, o.seconds > 0 && o.seconds <= 60, "more than 0, at most 60");
  if (o.peers.empty()) o.peers = peers_in(std::filesystem::canonical("/proc/self/exe").parent_path().string());
  if (o.words.empty()) o.words = {""};
  if (o.threads.empty()) o.threads = {1, 2};
  for (const int t : o.threads) tools::check_between("threads", t, 1, 1024);

  Run run(o);
  // All on one thread come first: in a program that has only ever had one, counting references takes no locked
  // instructions.
  for (const int threads : o.threads) {
    for (const std::string& word : o.words) run.measure(word, threads);
  }
  std::string found;
  for (const std::string& peer : run.found()) found += " " + peer;
  const std::string json = json_of(run.all(), o.rounds);
  if (o.json == "-") {
    tools::print(json);
  } else {
    tools::print("peers:" + (found.empty() ? " none" : found) + "\n\n" + table_of(run.all()));
    if (!o.json.empty()) tools::write_whole_file(o.json, json);
  }
  tools::flush_output();
  if (!o.check) return tools::kSuccess;
  for (const Comparison& c : run.all()) {
    if (!c.reached().value_or(true)) return tools::kWrong;
  }
  return tools::kSuccess;
}

}  // namespace
}  // namespace dagrad::compare

int main(int count, char** arguments) {
  try {
    return dagrad::compare::run(count, arguments);
  } catch (const dagrad::UsageError& error) {
    // The reader of command lines thinks of a subcommand.
    std::string text = error.what();
    if (const std::size_t at = text.find("dagrad compare"); at != std::string::npos) text.erase(at, 7);
    std::fprintf(stderr, "%s\n", text.c_str());
    return dagrad::tools::kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return dagrad::tools::kInput;
  }
}
