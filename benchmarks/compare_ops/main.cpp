// compare_ops: every op of the op table on its benchmarks, beside libtorch in the same process, in turn.
#include <cmath>
#include <cstdio>
#include <fmt/format.h>

#include "compare/clock.h"
#include "compare_ops/case_comparison.h"
#include "compare_ops/sides.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "op_table/inputs.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/option_checks.h"
#include "tools/output.h"

namespace dagrad::compare_ops {
namespace {

using op_table::Array;
using op_table::Arrays;
using op_table::Row;
using op_table::Sample;

constexpr const char* kExamples =
    "compare_ops: the ops of dagrad beside those of libtorch, in f32\n\n"
    "Examples:\n"
    "  compare_ops                              every benchmark of the op table; takes minutes\n"
    "  compare_ops sort/ conv --threads 2       those in whose names (op/sample/kind) one of the words is found\n"
    "  compare_ops embedding --json out.json\n\n";

constexpr const char* kOutcome =
    "\nKinds: forward without recording, and step, which records the op and takes the gradients of its floating\n"
    "inputs. Ratio: libtorch's time over dagrad's, the median of the rounds. Both sides get the same inputs, and "
    "their\n"
    "results have to agree for a case to be counted.\n"
    "Exit codes: 0 success, 2 usage, 3 a file cannot be written.\n";

struct Options {
  std::vector<std::string> words;
  std::vector<int> threads;
  int rounds = 5;
  double seconds = 0.004;
  std::string json;
};

/// Results may differ by so much of the largest element: kernels round in different orders, and both round.
constexpr double kAgreement = 2e-3;

/// What differs, or nothing.
std::string difference(const Arrays& ours, const Arrays& theirs) {
  if (ours.size() != theirs.size()) return fmt::format("{} and {} results", ours.size(), theirs.size());
  for (std::size_t k = 0; k < ours.size(); ++k) {
    const Array &a = ours[k], &b = theirs[k];
    if (a.shape != b.shape) return "results of different shapes";
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double x = a.values[i], y = b.values[i];
      if (x == y || (std::isnan(x) && std::isnan(y))) {
        if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
        continue;
      }
      const double distance = std::fabs(x - y);
      if (!std::isfinite(distance)) return "results that differ in what is not finite";
      largest = std::max({largest, std::fabs(x), std::fabs(y)});
      worst = std::max(worst, distance);
    }
    if (worst > kAgreement * largest) return fmt::format("results that differ by {:.1g}", worst / largest);
  }
  return "";
}

/// What stands for the gradients of a loss by the results.
std::vector<Tensor> draw_diff(const Row& row, const Sample& sample, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> diff;
  for (const Tensor& result : op_table::run(sample, inputs))
    diff.push_back(
        op_table::to_tensor(op_table::draw_diff(row.name + sample.name, result.shape(), f32), result.dtype()));
  return diff;
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  const std::vector<CaseComparison>& all() const { return comparisons_; }

  void measure(const Row& row, const Sample& sample, int threads) {
    std::vector<Tensor> inputs, diff;
    for (const Kind kind : {Kind::forward, Kind::step}) {
      if (kind == Kind::step && row.orders == 0) continue;
      CaseComparison c{row.name, sample.name, kind == Kind::forward ? "forward" : "step", threads};
      if (!asked_for(c.name())) continue;
      if (inputs.empty()) {
        inputs = op_table::to_tensors(sample, op_table::draw(row, sample, f32), f32);
        diff = draw_diff(row, sample, inputs);
      }
      std::fprintf(stderr, "%s on %d\n", c.name().c_str(), threads);
      const std::optional<Side> theirs = libtorch_side(row, sample, inputs, diff, kind, c.not_compared);
      if (theirs) {
        const Side ours = dagrad_side(sample, inputs, diff, kind);
        c.not_compared = draws(row) ? "" : difference(ours.results(), theirs->results());
        if (c.not_compared.empty()) time(c, ours, *theirs);
      }
      comparisons_.push_back(std::move(c));
    }
  }

 private:
  bool asked_for(const std::string& name) const {
    if (options_.words.empty()) return true;
    return std::any_of(options_.words.begin(), options_.words.end(),
                       [&](const std::string& word) { return name.find(word) != std::string::npos; });
  }

  std::int64_t calls_for(const Side& side) const {
    compare::seconds_per_call(side.run, 2);
    const double once = compare::seconds_per_call(side.run, 1);
    const double few = once > options_.seconds / 10 ? once : compare::seconds_per_call(side.run, 10);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(options_.seconds / few), 1, 100'000);
  }

  void time(CaseComparison& c, const Side& ours, const Side& theirs) const {
    const std::int64_t our_calls = calls_for(ours), their_calls = calls_for(theirs);
    for (int round = 0; round < options_.rounds; ++round) {
      c.ours.push_back(compare::seconds_per_call(ours.run, our_calls));
      c.theirs.push_back(compare::seconds_per_call(theirs.run, their_calls));
    }
  }

  const Options& options_;
  std::vector<CaseComparison> comparisons_;
};

int run(int count, char** arguments) {
  namespace po = boost::program_options;
  Options o;
  po::options_description options("Options");
  options.add_options()("word", po::value(&o.words)->value_name("WORD"), "a part of names; may be left out")(
      "threads", po::value(&o.threads)->value_name("N"), "may be repeated; 1 when not given")(
      "rounds", tools::option(o.rounds, "N"), "of each side")("seconds", tools::option(o.seconds, "S"),
                                                              "of a side in a round, or a single call")(
      "json", tools::optional_text(o.json, "FILE"), "every figure; - is stdout");
  if (!tools::parse_command_line({"compare_ops", kExamples, kOutcome, "word"}, options,
                                 {arguments + 1, arguments + count}))
    return tools::kSuccess;
  tools::check_between("rounds", o.rounds, 1, 1000);
  tools::check_range("seconds", o.seconds, o.seconds > 0 && o.seconds <= 60, "more than 0, at most 60");
  if (o.threads.empty()) o.threads = {1};
  for (const int t : o.threads) tools::check_between("threads", t, 1, 1024);
  tools::check_output(o.json);

  Run run(o);
  for (const int threads : o.threads) {
    set_num_threads(threads);
    set_libtorch_threads(threads);
    set_flush_denormals(true);  // a switch of the processor's: it holds for libtorch on the same threads
    for (const Row& row : op_table::rows()) {
      for (const op_table::Benchmark& benchmark : row.benchmarks) run.measure(row, benchmark.sample, threads);
    }
  }
  if (run.all().empty()) throw UsageError("compare_ops: no benchmark has one of the words in its name");
  if (o.json != "-") tools::print(table_of(run.all()));
  if (!o.json.empty()) tools::write_output(o.json, json_of(run.all()));
  tools::flush_output();
  return tools::kSuccess;
}

}  // namespace
}  // namespace dagrad::compare_ops

int main(int count, char** arguments) {
  try {
    return dagrad::compare_ops::run(count, arguments);
  } catch (const dagrad::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return dagrad::tools::kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return dagrad::tools::kInput;
  }
}
