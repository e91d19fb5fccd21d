#include "dagrad/nn/data/cifar.h"

#include <cstring>
#include <fmt/format.h>
#include <vector>

#include "dagrad/nn/data/pixels.h"
#include "dagrad/nn/io/input_file.h"
#include "dagrad/ops/view.h"

namespace dagrad::data {

namespace fs = std::filesystem;

Dataset load_cifar10_file(const fs::path& path) {
  constexpr std::size_t kPixels = std::size_t{3} * 32 * 32, kRecord = 1 + kPixels;
  const io::InputFile file(path);
  if (file.size() == 0 || file.size() % kRecord != 0)
    file.fail(fmt::format("has {} bytes (want a multiple of {}, the bytes of an image)", file.size(), kRecord));
  const auto count = static_cast<std::int64_t>(file.size() / kRecord);
  Tensor bytes = Tensor::allocate({{count, 3, 32, 32}, u8}), labels = Tensor::allocate({{count}, i64});
  auto* image = static_cast<std::byte*>(bytes.mutable_raw_data());
  std::vector<std::byte> record(kRecord);
  for (std::int64_t i = 0; i < count; ++i, image += kPixels) {
    file.read_at(static_cast<std::uint64_t>(i) * kRecord, record);
    const auto label = static_cast<std::int64_t>(record[0]);
    if (label > 9) file.fail(fmt::format("label {} at index {} (want 0 to 9)", label, i));
    labels.mutable_data<std::int64_t>()[i] = label;
    std::memcpy(image, record.data() + 1, kPixels);
  }
  return {pixels(bytes, bytes.shape()), labels, 10};
}

Split load_cifar10(const fs::path& folder) {
  std::vector<Tensor> features, labels;
  for (int i = 1; i <= 5; ++i) {
    const fs::path file = folder / fmt::format("data_batch_{}.bin", i);
    if (i > 1 && !fs::exists(file)) break;
    const Dataset part = load_cifar10_file(file);
    features.push_back(part.features);
    labels.push_back(part.labels);
  }
  return {{cat(features), cat(labels), 10}, load_cifar10_file(folder / "test_batch.bin")};
}

}  // namespace dagrad::data
