#include "dagrad/nn/io/npy.h"

#include "dagrad/core/copy.h"
#include "dagrad/nn/io/atomic_file.h"
#include "dagrad/nn/io/npy_format.h"

namespace dagrad::io {

Tensor load_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  FileSection all(file, 0, file.size());
  return read_npy(all);
}

void save_npy(const Tensor& t_in, const std::filesystem::path& file) {
  const std::string header = npy_header("save_npy", t_in);
  const Tensor t = contiguous_data(t_in);
  AtomicFile out(file);
  out.write(header);
  out.write(std::span(static_cast<const std::byte*>(t.raw_data()), t.bytes()));
  out.commit();
}

}  // namespace dagrad::io
