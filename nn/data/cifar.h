// CIFAR-10's binary files.
#pragma once

#include <filesystem>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

/// One file: records of a label (0 to 9) and 32 x 32 pixels in red, then in green, then in blue: features
/// [N, 3, 32, 32] in [0, 1], 10 classes. Throws IoError naming the file: not a whole number of records, none, a label
/// out of range.
Dataset load_cifar10_file(const std::filesystem::path& file);

/// data_batch_1.bin to data_batch_5.bin (those that are there, at least the first) to train on and test_batch.bin to
/// test with.
Split load_cifar10(const std::filesystem::path& folder);

}  // namespace dagrad::data
