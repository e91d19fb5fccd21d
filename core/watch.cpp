#include "dagrad/core/watch.h"

#include <fmt/format.h>

#include "dagrad/core/op_clock.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace detail {

constinit thread_local std::uint8_t watches = 0;
constinit thread_local OpClock* op_clock = nullptr;

}  // namespace detail

namespace {

constinit thread_local const RunningOp* running = nullptr;

void set_bit(std::uint8_t bit, bool on) {
  detail::watches = static_cast<std::uint8_t>(on ? detail::watches | bit : detail::watches & ~bit);
}

}  // namespace

WatchScope::WatchScope(Watch what, bool on) : bit_(static_cast<std::uint8_t>(what)), before_(watched(what)) {
  set_bit(bit_, on);
}
WatchScope::~WatchScope() { set_bit(bit_, before_); }

RunningOp::RunningOp(std::string_view name, Location where) : name_(name), where_(where), outer_(running) {
  running = this;
  if (detail::op_clock != nullptr && !nested()) detail::op_clock->start = OpClock::Clock::now();
}
RunningOp::~RunningOp() {
  running = outer_;
  if (detail::op_clock == nullptr || nested()) return;
  detail::op_clock->duration = OpClock::Clock::now() - detail::op_clock->start;
  detail::op_clock->op = name_;
}

const RunningOp* RunningOp::current() { return running; }

Location RunningOp::where() const {
  const Node* node = running_node();
  return node != nullptr ? node->where() : where_;
}

std::string RunningOp::str() const {
  const Location place = where();
  const Node* node = running_node();
  if (node == nullptr) return fmt::format("'{}' at {}:{}", name_, place.file, place.line);
  return fmt::format("'{}' in the backward of '{}', recorded at {}:{}", name_, node->name(), place.file, place.line);
}

}  // namespace dagrad
