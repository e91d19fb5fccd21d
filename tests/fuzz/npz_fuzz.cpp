#include "dagrad/nn/io/npz.h"
#include "hostile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  return try_reader(data, size, kWidening * kDeflateRatio * size,
                    [](const std::filesystem::path& file) { return total_bytes(io::load_npz(file)); });
}
