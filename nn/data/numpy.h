// Datasets in NumPy's files.
#pragma once

#include <filesystem>
#include <string>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

struct NumpyOptions {
  std::string features = "x";  ///< the names of the arrays in an .npz file
  std::string labels = "y";
  std::int64_t classes = 0;  ///< 0: one more than the largest label
};

/// Features [N, ...] and labels from an .npz file. Features become f32. Integer labels [N] (or [N, 1]) are classes,
/// floating ones are numbers and become f32, too. Throws IoError naming the file: an array that is missing, numbers of
/// samples that differ, labels out of range, features that are NaN or infinite.
Dataset load_npz_dataset(const std::filesystem::path& file, const NumpyOptions& options = {});
/// The same from two .npy files.
Dataset load_npy_dataset(const std::filesystem::path& features, const std::filesystem::path& labels,
                         const NumpyOptions& options = {});

}  // namespace dagrad::data
