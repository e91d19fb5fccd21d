// What must be kept of an optimizer, a schedule or an average to go on later as if nothing had happened.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::optim {

/// Numbers and tensors under names. Whoever writes it to a file keeps every bit of the numbers.
struct State {
  std::string kind;  ///< whose state: "Adam", "LRScheduler", ...
  std::map<std::string, double> numbers;
  std::map<std::string, Tensor> tensors;
};

/// Takes a state apart and notices what is missing, does not fit or is left over. What is missing throws a UsageError
/// at once; tensors of another shape or type, and what is left over, are gathered until finish(): the error lists all
/// that was found. Readers take all they need before they change anything.
class StateReader {
 public:
  /// Throws UsageError when the state is of another kind. The state must outlive the reader.
  StateReader(std::string_view kind, const State& state);

  std::string_view kind() const { return kind_; }
  bool has_number(const std::string& name) const { return state_.numbers.contains(name); }
  bool has_tensor(const std::string& name) const { return state_.tensors.contains(name); }
  double number(const std::string& name);
  /// A number that must be a whole one, >= 0.
  std::int64_t count(const std::string& name);
  /// A number that must be `want`; `what` says what it counts ("parameters in group 0").
  void expect(const std::string& name, double want, std::string_view what);
  /// A tensor of the given shape and type, as it stands in the state (copy before writing to it). One of another shape
  /// or type makes finish() throw, and zeros stand for it until then.
  const Tensor& tensor(const std::string& name, const Shape& shape, DType dtype);
  const Tensor& tensor(const std::string& name);
  /// Throws when something did not fit or was not asked for.
  void finish();

 private:
  std::string_view kind_;
  const State& state_;
  [[noreturn]] void fail(std::string problem);

  std::set<std::string> taken_;
  std::vector<std::string> problems_;
  std::deque<Tensor> substitutes_;
};

}  // namespace dagrad::optim
