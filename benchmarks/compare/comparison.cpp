#include "compare/comparison.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compare/clock.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "tools/table.h"

namespace dagrad::compare {
namespace {

std::string microseconds(std::optional<double> seconds) {
  if (!seconds) return "";
  const double us = *seconds * 1e6;
  return fmt::format("{:.{}f}", us, us < 10 ? 2 : us < 1000 ? 1 : 0);
}

std::string two_digits(std::optional<double> value) { return value ? fmt::format("{:.2f}", *value) : ""; }

std::optional<double> limit_seconds(const Comparison& c) {
  if (!c.limit) return {};
  return c.limit->seconds();
}

std::string remarks_on(const std::vector<Comparison>& all) {
  std::string text;
  for (const Comparison& c : all) {
    const auto ratio = c.ratio();
    if (ratio && *ratio < 1) text += fmt::format("behind {}: {} on {}\n", *c.best_peer(), c.workload, c.threads);
    for (const Comparison& one : all) {
      if (one.workload != c.workload || one.threads != 1 || c.threads == 1) continue;
      if (c.our_seconds() > one.our_seconds())
        text += fmt::format("slower on {} threads than on one: {}\n", c.threads, c.workload);
    }
  }
  return text;
}

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace

double Comparison::our_seconds() const { return median(ours); }

std::optional<std::string> Comparison::best_peer() const {
  std::optional<std::string> best;
  for (const auto& [name, seconds] : peers) {
    if (!best || median(seconds) < median(peers.at(*best))) best = name;
  }
  return best;
}

std::optional<double> Comparison::peer_seconds() const {
  const auto best = best_peer();
  if (!best) return {};
  return median(peers.at(*best));
}

std::optional<double> Comparison::ratio() const {
  const auto best = best_peer();
  if (!best) return {};
  const std::vector<double>& theirs = peers.at(*best);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) ratios.push_back(theirs[i] / ours[i]);
  return median(std::move(ratios));
}

std::optional<double> Comparison::distance() const {
  if (!limit) return {};
  return our_seconds() / limit->seconds();
}

std::optional<bool> Comparison::reached() const {
  const auto r = ratio();
  if (!r) return {};
  return *r >= target.value_or(1);
}

std::string table_of(const std::vector<Comparison>& all) {
  tools::Table table{
      {"workload", "threads", "ours us", "peer us", "peer", "ratio", "target", "reached", "limit us", "distance"}};
  for (const Comparison& c : all) {
    const auto reached = c.reached();
    table.rows.push_back({c.workload, std::to_string(c.threads), microseconds(c.our_seconds()),
                          microseconds(c.peer_seconds()), c.best_peer().value_or("-"), two_digits(c.ratio()),
                          two_digits(c.target),
                          !reached   ? ""
                          : *reached ? "yes"
                                     : "no",
                          microseconds(limit_seconds(c)), two_digits(c.distance())});
  }
  return text_of(table) + remarks_on(all);
}

std::string json_of(const std::vector<Comparison>& all, int rounds) {
  using Json = nlohmann::ordered_json;
  Json workloads = Json::array();
  for (const Comparison& c : all) {
    Json entry{{"workload", c.workload},
               {"threads", c.threads},
               {"seconds", c.our_seconds()},
               {"best_peer", or_null(c.best_peer())},
               {"peer_seconds", or_null(c.peer_seconds())},
               {"ratio", or_null(c.ratio())},
               {"target", or_null(c.target)},
               {"reached", or_null(c.reached())},
               {"limit_seconds", or_null(limit_seconds(c))},
               {"distance", or_null(c.distance())},
               {"peak_bytes", c.peak_bytes},
               {"rounds", {{"ours", c.ours}, {"peers", c.peers}}}};
    if (c.limit) entry["limit"] = {{"products", c.limit->products}, {"moving", c.limit->moving}};
    workloads.push_back(std::move(entry));
  }
  return Json{{"onednn", onednn::version()}, {"rounds", rounds}, {"workloads", workloads}}.dump(2) + "\n";
}

std::map<std::string, double> read_targets(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw IoError(fmt::format("compare: cannot read the targets in {}", file));
  std::map<std::string, double> result;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line.erase(std::min(line.find('#'), line.size()));
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    std::istringstream fields(line);
    std::string name;
    double ratio = 0;
    if (!(fields >> name >> ratio) || ratio <= 0)
      throw IoError(fmt::format("compare: {}:{}: got '{}' (want a workload and a positive ratio)", file, number, line));
    result[name] = ratio;
  }
  return result;
}

}  // namespace dagrad::compare
