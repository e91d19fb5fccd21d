// Where tests find MNIST's t10k files.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace dagrad {

/// data/mnist in the folder that DAGRAD_SHARED names, by default ../shared beside the sources; it may not be there.
inline std::filesystem::path mnist_folder() {
  const char* shared = std::getenv("DAGRAD_SHARED");
  return std::filesystem::path(shared != nullptr ? shared : DAGRAD_SOURCE_DIR "/../shared") / "data/mnist";
}

}  // namespace dagrad
