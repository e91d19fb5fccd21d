#include "dagrad/nn/data/idx.h"
#include "hostile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  return try_reader(data, size, kDeflateRatio * size,
                    [](const std::filesystem::path& file) { return data::read_idx(file).bytes(); });
}
