#include "dagrad/core/analysis/gradient_trace.h"

#include <utility>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

constinit thread_local GradientTrace* innermost = nullptr;

TracedOp::Operand operand(const Tensor& t) {
  if (!t.defined()) return {};
  return {t.storage(), t.requires_grad(), is_floating(t.dtype())};
}

}  // namespace

GradientTrace::GradientTrace() : outer_(std::exchange(innermost, this)) {}
GradientTrace::~GradientTrace() { innermost = outer_; }
const GradientTrace* GradientTrace::current() { return innermost; }

void GradientTrace::note(std::string_view name, Location where, std::span<const Tensor* const> inputs,
                         std::span<const Tensor> outputs, bool recorded) {
  if (Rehearsal* const rehearsal = Rehearsal::current()) return rehearsal->ran(name, where, outputs);
  // What a kernel, or a backward that nobody will differentiate, runs inside is no step of the user's computation.
  if (RunningOp::current() != nullptr || (running_node() != nullptr && !grad_enabled())) return;
  TracedOp& op = innermost->ops_.emplace_back();
  op.name = name;
  op.where = where;
  op.recorded = recorded;
  op.grad_enabled = grad_enabled();
  for (const Tensor* t : inputs) op.inputs.push_back(operand(*t));
  for (const Tensor& t : outputs) op.outputs.push_back(operand(t));
}

}  // namespace dagrad
