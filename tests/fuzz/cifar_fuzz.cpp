#include "dagrad/nn/data/cifar.h"
#include "hostile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  return try_reader(data, size, 4 * size,
                    [](const std::filesystem::path& file) { return data::load_cifar10_file(file).features.bytes(); });
}
