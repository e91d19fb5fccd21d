#include "dagrad/nn/training/tried_capture.h"

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace dagrad::nn {

/// What a forward changes of a model, as it was. It is read without ops, which would be captured, too.
class TriedCapture::Before {
 public:
  explicit Before(Module& model) : default_generator_(default_generator()) {
    for (const auto& [name, buffer] : model.named_buffers()) {
      const Storage& storage = *buffer.storage();
      buffers_.emplace_back(buffer, std::vector<std::byte>(storage.data(), storage.data() + storage.bytes()));
    }
    for (const auto& [name, generator] : model.named_generators()) generators_.emplace_back(generator, *generator);
  }
  void put_back() {
    for (auto& [buffer, bytes] : buffers_) {
      buffer.mutable_raw_data();  // counts the change
      if (!bytes.empty()) std::memcpy(buffer.storage()->data(), bytes.data(), bytes.size());
    }
    for (const auto& [generator, before] : generators_) *generator = before;
    default_generator() = default_generator_;
  }

 private:
  std::vector<std::pair<Tensor, std::vector<std::byte>>> buffers_;
  std::vector<std::pair<Generator*, Generator>> generators_;
  Generator default_generator_;
};

TriedCapture::TriedCapture(Module& model, TensorFunction step)
    : before_(std::make_shared<std::optional<Before>>()),
      step_(
          std::in_place,
          [&model, before = before_, step = std::move(step)](std::span<const Tensor> inputs) {
            before->emplace(model);
            return step(inputs);
          },
          8) {}

std::optional<std::vector<Tensor>> TriedCapture::call(std::span<const Tensor> inputs) {
  if (!step_) return std::nullopt;
  before_->reset();
  try {
    std::vector<Tensor> results = step_->call(inputs);
    before_->reset();
    return results;
  } catch (const CaptureError& error) {
    if (!before_->has_value()) throw;
    why_not_ = error.what();
    step_.reset();
    (*before_)->put_back();
    before_->reset();
    return std::nullopt;
  }
}

}  // namespace dagrad::nn
