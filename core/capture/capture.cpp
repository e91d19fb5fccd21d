#include "dagrad/core/capture/capture.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/capture_error.h"
#include "dagrad/core/capture/session.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/leaf.h"

namespace dagrad {

void Capture::run(CapturedCall call, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs,
                  const std::function<void()>& kernel) {
  Instruction instruction;
  instruction.call = std::move(call);
  CaptureSession::current()->run(std::move(instruction), inputs, outputs, kernel);
}

void Capture::make(CapturedCall call, std::span<const Tensor* const> inputs,
                   const std::function<std::span<const Tensor>()>& kernel) {
  std::span<const Tensor> made;
  Instruction instruction;
  instruction.call = std::move(call);
  CaptureSession::current()->run(std::move(instruction), inputs, {}, [&] { made = kernel(); });
  CaptureSession::current()->add_results(made);
}

void Capture::check_shapes(std::string_view op, std::span<const Tensor> made, std::span<const Tensor> before) {
  const auto same = [](const Tensor& a, const Tensor& b) { return a.shape() == b.shape(); };
  if (!std::equal(made.begin(), made.end(), before.begin(), before.end(), same))
    refuse(fmt::format("'{}' gives other shapes than when it was captured", op), "shapes that do not depend on values");
}

void Capture::on(std::string_view name, std::span<const Tensor> inputs, std::span<Tensor> outputs, Function f) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : inputs) pointers.push_back(&t);
  CapturedCall call{.name = name, .where = {}, .run = f};
  run(std::move(call), pointers, outputs, [&] { f(inputs, outputs); });
}

void Capture::effect(std::string_view name, Location where, const std::function<void()>& effect) {
  Instruction instruction;
  instruction.kind = Instruction::Kind::effect;
  instruction.grad_enabled = grad_enabled();
  instruction.autocast = autocast_enabled();
  instruction.call.name = name;
  instruction.call.where = where;
  instruction.call.run = [effect](std::span<const Tensor>, std::span<Tensor>) { effect(); };
  CaptureSession::current()->run(std::move(instruction), {}, {}, effect);
}

void Capture::renewal(const Tensor& copy, std::function<void()> renew) {
  CaptureSession::current()->renewal(copy, std::move(renew));
}
void Capture::gradient(Node& leaf, const Tensor& gradient) { CaptureSession::current()->gradient(leaf, gradient); }
void Capture::addition(Node& leaf, const Tensor& gradient) {
  const auto add = [leaf = NodePointer(&leaf)](const Tensor& t) { static_cast<Leaf&>(*leaf).add(t); };
  Instruction instruction;
  instruction.kind = Instruction::Kind::effect;
  instruction.call.name = "add_to_grad";
  instruction.call.run = [add](std::span<const Tensor> inputs, std::span<Tensor>) { add(inputs[0]); };
  const std::array<const Tensor*, 1> inputs{&gradient};
  CaptureSession::current()->run(std::move(instruction), inputs, {}, [&] { add(gradient); });
}
void Capture::draw(Generator& generator, std::uint64_t blocks, std::uint64_t first) {
  CaptureSession::current()->draw(generator, blocks, first);
}
bool Capture::took(const Tensor& t) { return CaptureSession::current()->took(t); }
std::uint32_t Capture::references_to(const Storage& storage) {
  return CaptureSession::current()->references_to(storage);
}

void Capture::refuse(std::string_view what, std::string_view want) {
  throw CaptureError(fmt::format("captured step: {} (want {})", what, want));
}

}  // namespace dagrad
