// IDX, the format of MNIST's files.
#pragma once

#include <filesystem>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

/// The array in an IDX file of unsigned bytes, plain or gzipped (told by its content): a u8 tensor of the shape that
/// the header gives. Memory is taken as the file's content arrives, never on the header's word alone.
/// Throws IoError naming the file: missing, no IDX, another element type, truncated, damaged, or with bytes left over.
Tensor read_idx(const std::filesystem::path& file);

/// MNIST from a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each plain or with .gz: features [N, 1, 28, 28] in [0, 1], 10 classes. A folder with the
/// t10k files alone gives their first 9,000 samples to train on and the last 1,000 to test with. Throws IoError for
/// what is missing or does not fit together, naming the file.
Split load_mnist(const std::filesystem::path& folder);

}  // namespace dagrad::data
