#include "tools/tensorboard/png.h"

#include <string_view>
#include <zlib.h>

#include "dagrad/core/error.h"

namespace dagrad::tools {
namespace {

std::string big_endian(std::uint64_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift));
  return text;
}

/// Length, type, data, and the checksum of both.
std::string chunk(std::string_view type, std::string_view data) {
  std::string body(type);
  body += data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(data.size()) + body + big_endian(sum);
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string result(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
               static_cast<uLong>(text.size())) != Z_OK)
    throw Error("png: zlib failed");
  result.resize(size);
  return result;
}

}  // namespace

std::string png(const std::vector<std::uint8_t>& pixels, std::int64_t width, std::int64_t height, int channels) {
  std::string rows;
  const std::size_t row = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    rows.push_back(0);  // no filter
    rows.append(reinterpret_cast<const char*>(pixels.data()) + y * row, row);
  }
  std::string header = big_endian(static_cast<std::uint64_t>(width)) + big_endian(static_cast<std::uint64_t>(height));
  header += {8, static_cast<char>(channels == 1 ? 0 : 2), 0, 0, 0};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

}  // namespace dagrad::tools
