// How a checkpoint is written down. Internal.
#pragma once

#include "dagrad/nn/training/checkpoint.h"

namespace dagrad::nn {

/// Writes a checkpoint atomically, for read_checkpoint(). Throws IoError.
void write_checkpoint(const CheckpointContent& content, const std::filesystem::path& file);

/// The content of a file whose format and checksum are right. Throws IoError, which names `file`.
CheckpointContent parse_checkpoint(io::Safetensors&& stored, const std::filesystem::path& file);

}  // namespace dagrad::nn
