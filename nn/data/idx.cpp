#include "dagrad/nn/data/idx.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <span>
#include <zlib.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/data/pixels.h"

namespace dagrad::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw IoError(fmt::format("{}: {}", file.string(), what));
}

/// A file that is read as it lies or through gzip; zlib tells by the first two bytes.
class Source {
 public:
  explicit Source(const fs::path& file) : file_(file) {
    std::error_code error;
    if (fs::is_directory(file, error)) fail(file, "is a folder (want an IDX file)");
    stream_.reset(gzopen(file.c_str(), "rb"));
    if (stream_ == nullptr) fail(file, fmt::format("cannot be opened: {}", std::strerror(errno)));
    gzbuffer(stream_.get(), 1 << 17);
  }

  /// Reads up to into.size() bytes; fewer only at the end of the file.
  std::size_t read(std::span<std::uint8_t> into) {
    std::size_t total = 0;
    while (total < into.size()) {
      const auto wanted = static_cast<unsigned>(std::min<std::size_t>(into.size() - total, 1u << 20));
      const int got = gzread(stream_.get(), into.data() + total, wanted);
      if (got < 0) damaged();
      if (got == 0) break;
      total += static_cast<std::size_t>(got);
    }
    if (total < into.size()) check_end();
    return total;
  }

 private:
  /// A gzip stream that breaks off looks like an end of file until it is asked.
  void check_end() {
    int code = Z_OK;
    gzerror(stream_.get(), &code);
    if (code != Z_OK && code != Z_STREAM_END) damaged();
  }
  [[noreturn]] void damaged() {
    int code = Z_OK;
    std::string text = gzerror(stream_.get(), &code);
    if (const std::string name = file_.string() + ": "; text.rfind(name, 0) == 0) text.erase(0, name.size());
    fail(file_, fmt::format("the gzip data are damaged or cut short: {}", text));
  }

  struct Close {
    void operator()(gzFile_s* stream) const { gzclose(stream); }
  };
  fs::path file_;
  std::unique_ptr<gzFile_s, Close> stream_;
};

std::uint32_t big_endian(std::span<const std::uint8_t, 4> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

Shape read_header(Source& source, const fs::path& file) {
  std::array<std::uint8_t, 4> magic{};
  if (source.read(magic) < 4) fail(file, "ends within the 4 bytes of its header (want an IDX file)");
  if (magic[0] != 0 || magic[1] != 0) {
    fail(file, fmt::format("starts with bytes {:02x} {:02x} (want 00 00, as an IDX file does)", magic[0], magic[1]));
  }
  if (magic[2] != 0x08) fail(file, fmt::format("element type 0x{:02x} (want 0x08, unsigned bytes)", magic[2]));
  if (magic[3] < 1 || magic[3] > kMaxRank) fail(file, fmt::format("{} dimensions (want 1 to {})", magic[3], kMaxRank));
  Shape shape;
  for (int i = 0; i < magic[3]; ++i) {
    std::array<std::uint8_t, 4> size{};
    if (source.read(size) < 4) fail(file, fmt::format("ends within the sizes of its {} dimensions", magic[3]));
    shape.push_back(big_endian(size));
  }
  return shape;
}

std::int64_t element_count(const Shape& shape, const fs::path& file) {
  try {
    return checked_numel("idx", shape);
  } catch (const ShapeError&) {
    fail(file, fmt::format("the header promises {} elements, more than can be", shape.str()));
  }
}

/// `name` or `name`.gz in `folder`, if either is there.
std::optional<fs::path> find(const fs::path& folder, const std::string& name) {
  for (const fs::path& file : {folder / name, folder / (name + ".gz")}) {
    if (fs::exists(file)) return file;
  }
  return std::nullopt;
}

Dataset load_pair(const fs::path& image_file, const fs::path& label_file) {
  const Tensor images = read_idx(image_file), labels = read_idx(label_file);
  if (images.dim() != 3 || images.size(1) != 28 || images.size(2) != 28) {
    fail(image_file, fmt::format("holds {} (want images of [N, 28, 28])", images.shape().str()));
  }
  if (labels.dim() != 1) fail(label_file, fmt::format("holds {} (want labels of [N])", labels.shape().str()));
  if (labels.size(0) != images.size(0)) {
    fail(label_file, fmt::format("{} labels for the {} images of {} (want as many)", labels.size(0), images.size(0),
                                 image_file.filename().string()));
  }
  Dataset result;
  result.classes = 10;
  result.features = pixels(images, {images.size(0), 1, 28, 28});
  result.labels = Tensor::allocate({{images.size(0)}, i64});
  std::int64_t* to = result.labels.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    to[i] = labels.data<std::uint8_t>()[i];
    if (to[i] > 9) fail(label_file, fmt::format("label {} at index {} (want 0 to 9)", to[i], i));
  }
  return result;
}

}  // namespace

Tensor read_idx(const fs::path& file) {
  Source source(file);
  const Shape shape = read_header(source, file);
  const std::int64_t count = element_count(shape, file);
  // Doubling keeps the memory within twice of what the file has really given.
  std::vector<std::uint8_t> bytes;
  while (static_cast<std::int64_t>(bytes.size()) < count) {
    const std::size_t have = bytes.size();
    const std::size_t next = std::min(static_cast<std::size_t>(count), std::max<std::size_t>(2 * have, 1 << 20));
    bytes.resize(next);
    const std::size_t got = source.read(std::span(bytes).subspan(have));
    if (got < next - have) {
      fail(file, fmt::format("truncated: {} of the {} bytes that its header promises for {}", have + got, count,
                             shape.str()));
    }
  }
  std::array<std::uint8_t, 1> extra{};
  if (source.read(extra) > 0)
    fail(file, fmt::format("has bytes behind the {} that its header promises for {}", count, shape.str()));
  Tensor result = Tensor::allocate({shape, u8});
  if (count > 0) std::memcpy(result.mutable_raw_data(), bytes.data(), bytes.size());
  return result;
}

Split load_mnist(const fs::path& folder) {
  const auto train_images = find(folder, "train-images-idx3-ubyte"),
             train_labels = find(folder, "train-labels-idx1-ubyte");
  const auto test_images = find(folder, "t10k-images-idx3-ubyte"), test_labels = find(folder, "t10k-labels-idx1-ubyte");
  const auto need = [&](const auto& found, const char* name) {
    if (!found) fail(folder / name, "not found, nor with .gz (want MNIST's files in this folder)");
  };
  need(test_images, "t10k-images-idx3-ubyte");
  need(test_labels, "t10k-labels-idx1-ubyte");
  if (train_images.has_value() != train_labels.has_value()) {
    need(train_images, "train-images-idx3-ubyte");
    need(train_labels, "train-labels-idx1-ubyte");
  }
  Dataset test = load_pair(*test_images, *test_labels);
  if (train_images) return {load_pair(*train_images, *train_labels), std::move(test)};
  constexpr std::int64_t kTest = 1000;
  if (test.size() <= kTest)
    fail(*test_images, fmt::format("{} images (want more than {} to train and test on)", test.size(), kTest));
  return {test.slice(0, test.size() - kTest), test.slice(test.size() - kTest, kTest)};
}

}  // namespace dagrad::data
