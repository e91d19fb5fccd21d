#include "compare_ops/case_comparison.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "compare/clock.h"
#include "tools/table.h"

namespace dagrad::compare_ops {
namespace {

using compare::median;
using Pointers = std::vector<const CaseComparison*>;

std::string microseconds(double seconds) {
  const double us = seconds * 1e6;
  return fmt::format("{:.{}f}", us, us < 10 ? 2 : us < 1000 ? 1 : 0);
}

std::string table_of_cases(const Pointers& cases) {
  tools::Table table{{"op", "sample", "kind", "threads", "dagrad us", "libtorch us", "ratio"}};
  for (const CaseComparison* c : cases)
    table.rows.push_back({c->op, c->sample, c->kind, std::to_string(c->threads), microseconds(c->our_seconds()),
                          microseconds(c->their_seconds()), fmt::format("{:.2f}", c->ratio())});
  return text_of(table);
}

std::string not_compared(const std::vector<CaseComparison>& all) {
  std::map<std::string, std::string> by_reason;
  for (const CaseComparison& c : all) {
    if (!c.not_compared.empty()) by_reason[c.not_compared].append(" ").append(c.name());
  }
  std::string text;
  for (const auto& [reason, names] : by_reason) text += fmt::format("not compared, {}:{}\n", reason, names);
  return text;
}

}  // namespace

double CaseComparison::our_seconds() const { return median(ours); }
double CaseComparison::their_seconds() const { return median(theirs); }
double CaseComparison::ratio() const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(theirs[i] / ours[i]);
  return median(std::move(ratios));
}

std::string table_of(const std::vector<CaseComparison>& all) {
  Pointers compared, slower;
  std::vector<double> ratios;
  for (const CaseComparison& c : all) {
    if (!c.not_compared.empty()) continue;
    compared.push_back(&c);
    ratios.push_back(c.ratio());
    if (c.ratio() < 1) slower.push_back(&c);
  }
  if (compared.empty()) return "no case was compared\n" + not_compared(all);
  std::sort(slower.begin(), slower.end(),
            [](const CaseComparison* a, const CaseComparison* b) { return a->ratio() < b->ratio(); });
  std::string text = table_of_cases(compared) + "\n" + not_compared(all);
  text += fmt::format("\n{} cases, the median ratio {:.2f}; dagrad is slower in {}\n", compared.size(),
                      median(std::move(ratios)), slower.size());
  if (!slower.empty()) text.append("\n").append(table_of_cases(slower));
  return text;
}

std::string json_of(const std::vector<CaseComparison>& all) {
  using Json = nlohmann::ordered_json;
  Json cases = Json::array();
  for (const CaseComparison& c : all) {
    Json entry{{"op", c.op}, {"sample", c.sample}, {"kind", c.kind}, {"threads", c.threads}};
    if (c.not_compared.empty()) {
      entry["dagrad_seconds"] = c.our_seconds();
      entry["libtorch_seconds"] = c.their_seconds();
      entry["ratio"] = c.ratio();
      entry["rounds"] = {{"dagrad", c.ours}, {"libtorch", c.theirs}};
    } else {
      entry["not_compared"] = c.not_compared;
    }
    cases.push_back(std::move(entry));
  }
  return cases.dump(2) + "\n";
}

}  // namespace dagrad::compare_ops
