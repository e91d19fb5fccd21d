// GradientTrace: remembers also the ops that are not recorded, so that explain_grad can say where a path was cut.
#pragma once

#include <boost/container/small_vector.hpp>
#include <deque>
#include <span>
#include <string_view>

#include "dagrad/core/tensor.h"
#include "dagrad/core/watch.h"

namespace dagrad {

/// What a trace knows of one op that ran: which elements it read and which it wrote.
struct TracedOp {
  struct Operand {
    Storage::Pointer elements;
    bool has_history = false;  // whether a gradient would flow to it
    bool is_floating = true;
  };
  std::string_view name;
  Location where;
  bool recorded = false;
  bool grad_enabled = true;  // false: it ran under NoGrad
  boost::container::small_vector<Operand, 3> inputs;
  boost::container::small_vector<Operand, 1> outputs;
};

/// While it lives, keeps a list of all ops that the calling thread runs, recorded or not, with the memory they read and
/// wrote (which stays allocated meanwhile): the dataflow that explain_grad() searches for the place where a gradient
/// gets lost. What leaves the tensors (item(), data()) and comes back cannot be followed.
class GradientTrace {
 public:
  GradientTrace();
  ~GradientTrace();
  GradientTrace(const GradientTrace&) = delete;
  GradientTrace& operator=(const GradientTrace&) = delete;

  /// The calling thread's innermost trace, or null.
  static const GradientTrace* current();
  /// In the order in which they ran.
  const std::deque<TracedOp>& ops() const { return ops_; }

  /// For apply(): an op has run.
  static void note(std::string_view name, Location where, std::span<const Tensor* const> inputs,
                   std::span<const Tensor> outputs, bool recorded);

 private:
  std::deque<TracedOp> ops_;
  GradientTrace* outer_;
  WatchScope watch_{Watch::trace};
};

}  // namespace dagrad
