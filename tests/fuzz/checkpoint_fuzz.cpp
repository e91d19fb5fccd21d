// A checkpoint's file, and what an optimizer, a model and the others make of what it holds.
#include "dagrad/core/error.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/training/checkpoint_format.h"
#include "dagrad/nn/training/history.h"
#include "dagrad/optim/optim.h"
#include "hostile_file.h"

namespace dagrad {
namespace {

/// Loads into one of each kind of part. That it does not fit is an answer.
void load(const nn::CheckpointContent& content) {
  nn::Linear net(2, 3);
  optim::Adam optimizer(net.parameters());
  optim::LRScheduler scheduler(optimizer, optim::StepLR{.step_size = 2});
  optim::ExponentialAverage average(net.parameters());
  Generator generator(7);
  nn::History history;
  nn::Checkpoint parts;
  parts.add("model", net);
  parts.add("optimizer", optimizer);
  parts.add("scheduler", scheduler);
  parts.add("average", average);
  parts.add("generator", generator);
  parts.add("history", history);
  try {
    parts.load(content, "fuzz");
  } catch (const UsageError&) {
  }
}

std::size_t bytes_of(const nn::CheckpointContent& content) {
  std::size_t bytes = 0;
  for (const auto& [name, state] : content.parts) bytes += total_bytes(state.tensors);
  return bytes;
}

}  // namespace
}  // namespace dagrad

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  try_reader(data, size, kWidening * size,
             [](const std::filesystem::path& file) { return bytes_of(nn::read_checkpoint(file)); });
  // No input that is made up has the right checksum, so what lies behind that check is called without it.
  return try_reader(data, size, kWidening * size, [](const std::filesystem::path& file) {
    const nn::CheckpointContent content = nn::parse_checkpoint(io::load_safetensors(file), file);
    load(content);
    return bytes_of(content);
  });
}
