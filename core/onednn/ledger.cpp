#include "dagrad/core/onednn/ledger.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ostream>
#include <utility>

#include "dagrad/core/error.h"
#include "dagrad/core/onednn/booking.h"

namespace dagrad::onednn {
namespace {

constinit thread_local Ledger* innermost = nullptr;

std::uint64_t nanoseconds(Booking::Clock::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

std::string_view running_name() {
  const RunningOp* op = RunningOp::current();
  return op != nullptr ? op->name() : "(none)";
}

std::string running_place() {
  const RunningOp* op = RunningOp::current();
  return op != nullptr ? op->str() : "a primitive outside of ops";
}

}  // namespace

Ledger::Ledger(LedgerOptions options) : options_(std::move(options)), outer_(innermost) { innermost = this; }
Ledger::~Ledger() { innermost = outer_; }

void Ledger::clear() {
  entries_.clear();
  warnings_.clear();
  warned_.clear();
}

std::vector<LedgerEntry> Ledger::entries() const {
  std::vector<LedgerEntry> result;
  for (const auto& [name, entry] : entries_) result.push_back(entry);
  return result;
}

void Ledger::judge(std::string_view op, const Identity& what) {
  const bool reference = what.is_reference();
  const std::size_t bytes = reference ? what.bytes : what.bytes / 2;  // a reorder's are read and written
  if ((!reference && !what.is_reorder()) || bytes < options_.small_bytes || what.share < options_.small_share) return;
  if (std::find(options_.allow.begin(), options_.allow.end(), op) != options_.allow.end()) return;
  const std::string complaint =
      reference ? fmt::format("runs oneDNN's reference code '{}' on {} bytes (want other shapes, types or layouts",
                              what.implementation, bytes)
                : fmt::format("copies an operand of {} bytes (want it contiguous or channels-last", bytes);
  const std::string message =
      fmt::format("ledger: {} {}, or the op's name in LedgerOptions::allow)", running_place(), complaint);
  if (options_.strict) throw PerformanceError(message);
  if (!warned_.emplace(op, what.kind, what.implementation).second) return;
  warnings_.push_back(message);
  if (options_.on_warning) options_.on_warning(message);
}

std::string Ledger::str() const {
  using Row = std::array<std::string, 9>;
  const auto us = [](std::uint64_t ns) { return fmt::format("{:.1f}", static_cast<double>(ns) * 1e-3); };
  std::vector<Row> rows{
      {"op", "primitive", "implementation", "runs", "hits", "misses", "creating us", "running us", "moved bytes"}};
  for (const auto& [name, e] : entries_) {
    rows.push_back({e.op, e.primitive, e.implementation, std::to_string(e.executions), std::to_string(e.hits),
                    std::to_string(e.misses), us(e.creation_ns), us(e.execution_ns), std::to_string(e.moved_bytes)});
  }
  std::array<std::size_t, 9> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool words = i < 3;
      text += words ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
      text += i + 1 < row.size() ? "  " : "\n";
    }
  }
  for (const std::string& warning : warnings_) text += "warning: " + warning + "\n";
  return text;
}

std::ostream& operator<<(std::ostream& out, const Ledger& ledger) { return out << ledger.str(); }

Booking::Booking(Identity identity, Clock::duration creation)
    : identity_(std::move(identity)), op_(running_name()), creation_(creation) {
  for (Ledger* ledger = innermost; ledger != nullptr; ledger = ledger->outer_) ledger->judge(op_, identity_);
  start_ = Clock::now();
}

Booking::~Booking() {
  const std::uint64_t ran = nanoseconds(Clock::now() - start_);
  const bool cached = !identity_.is_reorder();  // reorders belong to the primitive that they serve
  for (Ledger* ledger = innermost; ledger != nullptr; ledger = ledger->outer_) {
    LedgerEntry& entry = ledger->entries_[{std::string(op_), identity_.kind, identity_.implementation}];
    if (entry.executions == 0) {
      entry.op = op_;
      entry.primitive = identity_.kind;
      entry.implementation = identity_.implementation;
    }
    const bool made = creation_ != Clock::duration::zero();
    ++entry.executions;
    entry.misses += cached && made;
    entry.hits += cached && !made;
    entry.creation_ns += nanoseconds(creation_);
    entry.execution_ns += ran;
    if (identity_.is_reorder()) entry.moved_bytes += identity_.bytes;
  }
}

}  // namespace dagrad::onednn
