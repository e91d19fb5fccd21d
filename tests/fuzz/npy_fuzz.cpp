#include "dagrad/nn/io/npy.h"
#include "hostile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  return try_reader(data, size, kWidening * size,
                    [](const std::filesystem::path& file) { return io::load_npy(file).bytes(); });
}
