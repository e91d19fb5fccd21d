#include "dagrad/ops/pointwise_trace.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/watch.h"

namespace dagrad::pointwise {
namespace detail {

constinit thread_local Trace* trace = nullptr;

}  // namespace detail

namespace {

using Place = Program::Place;
using Code = Program::Code;

}  // namespace

bool one_element(const Tensor& t) {
  for (int i = 0; i < t.dim(); ++i) {
    if (t.shape()[i] != 1 && t.strides()[i] != 0) return false;
  }
  return t.numel() > 0;
}

Trace::Trace(std::span<const Tensor> inputs, DType dtype, std::int64_t count)
    : recording_(grad_enabled()),
      outer_(std::exchange(detail::trace, this)),
      outer_observer_(std::exchange(dagrad::detail::add_observer, this)) {
  program_.dtype = dtype;
  program_.count = count;
  for (const Tensor& input : inputs)
    program_.inputs.push_back(add_place(whole(input) ? Place::elements : Place::number, input));
}

Trace::~Trace() {
  detail::trace = outer_;
  dagrad::detail::add_observer = outer_observer_;
}

void Trace::refuse(std::string_view what, const Tensor& t, std::string_view why) {
  if (problem_.empty()) problem_ = fmt::format("{}, {} {}, {}", what, name_of(t.dtype()), t.shape().str(), why);
}

void Trace::refuse_source(const Tensor& t, std::string_view why) {
  const Rehearsal::Books& books = Rehearsal::current()->books();
  const auto found = books.live.find(t.storage()->data());
  const std::string maker = found == books.live.end() ? "" : books.blocks[found->second].maker.op;
  refuse(maker.empty() ? "a tensor" : fmt::format("the result of '{}'", maker), t, why);
}

void Trace::refuse_result(const Tensor& t, std::string_view why) {
  const RunningOp* op = RunningOp::current();
  refuse(op == nullptr ? "a sum of gradients" : fmt::format("the result of '{}'", op->name()), t, why);
}

std::size_t Trace::add_place(Place kind, const Tensor& t) {
  program_.places.push_back(kind);
  const std::size_t place = program_.places.size() - 1;
  known_.insert_or_assign(t.storage().get(), Known{t, t.version(), place});
  return place;
}

std::optional<std::size_t> Trace::place_of(const Tensor& t) {
  if (!problem_.empty()) return std::nullopt;
  if (t.dtype() != program_.dtype) {
    refuse_source(t, fmt::format("has another type than the inputs, {}", name_of(program_.dtype)));
    return std::nullopt;
  }
  const auto found = known_.find(t.storage().get());
  if (found == known_.end()) {
    if (Rehearsal::current()->made(t.storage()->data()))
      refuse_source(t, "does not come from elementwise ops alone");
    else if (recording_ && t.requires_grad())
      refuse_source(t, "requires a gradient and is not among the inputs");
    else if (!whole(t) && !one_element(t))
      refuse_source(t, "has neither one element nor those of the inputs");
    if (!problem_.empty()) return std::nullopt;
    others_.push_back(whole(t) ? t : t.alias({}, {}, t.offset()));
    program_.inputs.push_back(add_place(whole(t) ? Place::elements : Place::number, t));
    return program_.inputs.back();
  }
  const Known& known = found->second;
  const bool fits = program_.places[known.place] == Place::elements ? whole(t) : one_element(t);
  if (!fits || t.offset() != known.tensor.offset()) {
    refuse_source(t, "is a part of another tensor, or broadcast");
  } else if (t.version() != known.version) {
    refuse_source(t, "was changed in place");
  } else {
    return known.place;
  }
  return std::nullopt;
}

void Trace::add_step(Program::Step step, const Tensor& dst, std::span<const std::size_t> operands) {
  bool elements = step.code == Code::sum, total = false;
  for (const std::size_t place : operands) {
    elements = elements || program_.places[place] == Place::elements;
    total = total || program_.places[place] == Place::total;
  }
  if (elements && total) return refuse_result(dst, "needs a sum over all elements for each of them");
  if (step.code != Code::sum && dst.numel() != (elements ? program_.count : 1))
    return refuse_result(dst, "does not have as many elements as the inputs");
  const Place kind = step.code == Code::sum || total ? Place::total : elements ? Place::elements : Place::number;
  if (kind == Place::elements && !dst.is_contiguous()) return refuse_result(dst, "is not row-major");
  step.dst = add_place(kind, dst);
  program_.steps.push_back(step);
}

void Trace::unary(Unary f, const Tensor& src, const Tensor& dst, Numbers numbers) {
  const auto a = place_of(src);
  if (!a) return;
  add_step({.code = Code::unary, .unary = f, .numbers = numbers, .a = *a}, dst, std::array{*a});
}

void Trace::binary(Binary f, const Tensor& a, const Tensor& b, const Tensor& dst, Numbers numbers) {
  const auto place_a = place_of(a), place_b = place_of(b);
  if (!place_a || !place_b) return;
  add_step({.code = Code::binary, .binary = f, .numbers = numbers, .a = *place_a, .b = *place_b}, dst,
           std::array{*place_a, *place_b});
}

void Trace::binary(Binary f, const Tensor& src, double number, bool number_first, const Tensor& dst) {
  const auto place = place_of(src);
  if (!place) return;
  program_.places.push_back(Place::number);
  std::size_t a = *place, b = program_.places.size() - 1;
  program_.constants.push_back({b, number});
  if (number_first) std::swap(a, b);
  add_step({.code = Code::binary, .binary = f, .a = a, .b = b}, dst, std::array{a, b});
}

void Trace::sum(const Tensor& src, const Tensor& dst, double divisor) {
  const auto a = place_of(src);
  if (!a) return;
  if (program_.places[*a] != Place::elements || dst.numel() != 1)
    return refuse_result(dst, "is a sum over some of the axes");
  add_step({.code = Code::sum, .numbers = {divisor}, .a = *a}, dst, std::array{*a});
}

std::optional<Program> Trace::finish(std::span<const Tensor> results) {
  for (const Tensor& t : results) {
    if (!t.defined()) {
      problem_ = "a result is undefined";
      return std::nullopt;
    }
    const auto place = place_of(t);
    if (!place) return std::nullopt;
    if (t.numel() != 1 && (t.numel() != program_.count || program_.places[*place] == Place::total)) {
      refuse_source(t, "does not have as many elements as the inputs");
      return std::nullopt;
    }
    program_.results.push_back({*place, t.shape()});
  }
  for (const auto& [storage, known] : known_) {
    if (known.tensor.version() != known.version) {
      refuse_source(known.tensor, "was changed in place");
      return std::nullopt;
    }
  }
  return program_.needed();
}

}  // namespace dagrad::pointwise
