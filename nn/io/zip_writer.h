// Writing ZIP archives, as far as .npz files use them. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/nn/io/atomic_file.h"

namespace dagrad::io {

/// Members one after the other: begin, write, end; then commit.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& file) : out_(file) {}

  void begin(const std::string& name, bool deflate);
  void write(std::span<const std::byte> content);
  void end();
  /// Writes the directory and makes the file appear.
  void commit();

 private:
  class Deflater;
  struct DeleteDeflater {
    void operator()(Deflater* deflater) const;
  };
  struct Member {
    std::string name;
    bool deflated;
    std::uint32_t checksum;
    std::uint64_t packed, unpacked, offset;
  };

  AtomicFile out_;
  std::vector<Member> members_;
  std::unique_ptr<Deflater, DeleteDeflater> deflater_;
};

}  // namespace dagrad::io
