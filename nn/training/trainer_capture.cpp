// Trainer: gradients by replays of a captured step.
#include <array>

#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/training/trainer.h"
#include "dagrad/nn/training/tried_capture.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {

Trainer::~Trainer() = default;

/// What is captured: of features, labels and the scale of the loss where there is a scaler, the two losses and the
/// prediction (which may be undefined), and beside that the gradients. The optimizer's step is not, as it is seen
/// before that the loss is finite.
void Trainer::capture_steps() {
  captured_ = std::make_unique<TriedCapture>(model_, [this](std::span<const Tensor> inputs) {
    optimizer_.zero_grad();
    const Losses losses = losses_of({inputs[0], inputs[1]});
    const Tensor& loss = losses.differentiated;
    if (grad_enabled()) loss.backward(scaler_ ? reshape(to(inputs[2], loss.dtype()), loss.shape()) : Tensor());
    return std::vector<Tensor>{losses.reported, loss, losses.prediction};
  });
}

/// As differentiate(); an undefined tensor where the step cannot be captured.
Tensor Trainer::replay(const data::Batch& batch, StepResult& result) {
  const Tensor scale = scaler_ ? scalar(scaler_->scale(), f64) : Tensor();
  const std::array inputs{batch.features, batch.labels, scale};
  const auto results = captured_->call(std::span(inputs).first(scaler_ ? 3 : 2));
  if (!results) return {};
  result.loss = (*results)[0].item<double>();
  result.prediction = (*results)[2];
  return (*results)[1];
}

std::string Trainer::why_not_captured() const { return captured_ ? captured_->why_not() : ""; }

}  // namespace dagrad::nn
