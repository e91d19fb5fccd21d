// Ledger: which of oneDNN's implementations ran for which op, how often, and what it cost to make them.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "dagrad/core/watch.h"

namespace dagrad::onednn {

struct Identity;

/// What a Ledger complains about, and how.
struct LedgerOptions {
  /// Throw PerformanceError at the first complaint, before the primitive runs.
  bool strict = false;
  /// Operands of fewer bytes may be copied, and computed by reference code, without complaint.
  std::size_t small_bytes = 64 << 10;
  /// So may be operands that are a smaller part of all that the primitive reads and writes, like the weights of a
  /// convolution, which are cheaper to reorder at each call than to use as they lie.
  double small_share = 0.1;
  /// Ops whose reference code and reorders are known and accepted.
  std::vector<std::string> allow = {};
  /// Called with each complaint, once for an op and an implementation. Complaints are kept in any case.
  std::function<void(const std::string&)> on_warning = {};
};

/// What one implementation did for one op.
struct LedgerEntry {
  std::string op;              ///< the op's name; "(none)" for primitives that run outside of ops
  std::string primitive;       ///< oneDNN's kind of primitive, like "matmul"; "copy" for dagrad's own reorders
  std::string implementation;  ///< oneDNN's name for what ran, like "brg:avx512_core", "jit:avx512_core", "ref:any"
  std::uint64_t executions = 0;
  std::uint64_t hits = 0;          ///< executions of a primitive that was in the cache
  std::uint64_t misses = 0;        ///< executions for which it had to be made
  std::uint64_t creation_ns = 0;   ///< spent making primitives
  std::uint64_t execution_ns = 0;  ///< spent running them
  std::uint64_t moved_bytes = 0;   ///< read and written by reorders and copies of operands into another layout
};

/// While it lives, books each primitive that the calling thread runs (and each copy that a kernel makes of an operand,
/// because it cannot read it as it lies) under the op that runs it. Ledgers nest; each sees what runs during its life.
/// While none lives, a primitive pays one test of a thread-local word for it.
///
///     onednn::Ledger ledger;
///     train_step();
///     std::cout << ledger;
class Ledger {
 public:
  explicit Ledger(LedgerOptions options = {});
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// What was booked so far, sorted by op, primitive and implementation.
  std::vector<LedgerEntry> entries() const;
  /// What there is to complain about: an op that ran reference code, or that reordered a large operand.
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// Forgets all entries and warnings.
  void clear();
  /// A table of the entries and, below, the warnings.
  std::string str() const;

 private:
  friend class Booking;
  using Name = std::tuple<std::string, std::string, std::string>;
  void judge(std::string_view op, const Identity& what);

  LedgerOptions options_;
  std::map<Name, LedgerEntry> entries_;
  std::vector<std::string> warnings_;
  std::set<Name> warned_;
  Ledger* outer_;
  WatchScope watch_{Watch::ledger};
};

std::ostream& operator<<(std::ostream& out, const Ledger& ledger);

}  // namespace dagrad::onednn
