// .npz: NumPy's file format for named arrays, a ZIP archive of .npy files.
#pragma once

#include <filesystem>

#include "dagrad/nn/io/named_tensors.h"

namespace dagrad::io {

/// The arrays of an .npz file, stored or deflated, in the order of the archive's directory, without the ".npy" of their
/// names; see load_npy for the types. Checksums are checked. Throws IoError naming the file, the member and what is
/// wrong, before any array that is damaged is made: no ZIP archive, encrypted or in parts, other ways of compression,
/// members that overlap, come twice, or are no .npy.
NamedTensors load_npz(const std::filesystem::path& file);

struct NpzOptions {
  bool compress = false;  ///< as numpy.savez_compressed
};

/// Writes an .npz file atomically (see AtomicFile); equal tensors give equal files. Throws DTypeError for bf16 (see
/// save_npy), UsageError for a name that comes twice, IoError.
void save_npz(const NamedTensors& tensors, const std::filesystem::path& file, const NpzOptions& options = {});

}  // namespace dagrad::io
