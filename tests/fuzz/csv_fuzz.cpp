#include "dagrad/nn/data/csv.h"
#include "hostile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dagrad;
  if (size == 0) return 0;
  // The first byte chooses the options; a field takes two bytes and becomes at most most_texts floats.
  data::CsvOptions options;
  options.header = (data[0] & 1) != 0;
  options.regression = (data[0] & 2) != 0;
  options.missing = static_cast<data::Missing>(data[0] / 4 % 3);
  options.most_texts = 8;
  return try_reader(data + 1, size - 1, 8 * 4 * size,
                    [&](const std::filesystem::path& file) { return data::load_csv(file, options).features.bytes(); });
}
