// Gives a fuzzer's bytes to a reader of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "dagrad/core/error.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Calls `read(path)` on a file in memory of these bytes. An IoError is what a reader may throw; anything else, and
/// more than `most_bytes` of tensors (which `read` returns), ends the program.
template <class Read>
int try_reader(const std::uint8_t* data, std::size_t size, std::size_t most_bytes, const Read& read) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  try {
    const std::size_t bytes = read(std::filesystem::path("/proc/self/fd/" + std::to_string(file)));
    if (bytes > most_bytes) std::abort();
  } catch (const IoError&) {
    return 0;
  }
  return 0;
}

/// How many times its packed size deflated content may have.
inline constexpr std::size_t kDeflateRatio = 1032;
/// How many times a number of the file's may grow in a tensor (one byte to i64).
inline constexpr std::size_t kWidening = 8;

template <class Named>
std::size_t total_bytes(const Named& tensors) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes();
  return bytes;
}

}  // namespace dagrad
