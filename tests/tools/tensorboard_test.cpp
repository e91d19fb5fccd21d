// Event files, read back by a decoder that shares nothing with what wrote them.
#include "tools/tensorboard.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>
#include <zlib.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "tools/tensorboard/png.h"

namespace dagrad::tools {
namespace {

std::uint64_t number_at(const std::string& bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = size - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
  return value;
}

/// CRC-32C bit by bit, as its definition has it, with TFRecord's mask.
std::uint32_t checksum(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::vector<std::string> records(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<std::string> result;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint64_t length = number_at(bytes, at, 8);
    EXPECT_EQ(number_at(bytes, at + 8, 4), checksum(bytes.substr(at, 8)));
    result.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number_at(bytes, at + 12 + length, 4), checksum(result.back()));
    at += 16 + length;
  }
  return result;
}

/// A message's fields by number: eight or four bytes, or a text, or an integer.
struct Field {
  std::uint64_t integer = 0;
  std::string text;
  double number() const {
    double value = 0;
    std::memcpy(&value, &integer, 8);
    return value;
  }
  float number32() const {
    float value = 0;
    std::memcpy(&value, &integer, 4);
    return value;
  }
};
using Fields = std::multimap<int, Field>;

std::uint64_t varint(const std::string& bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

Fields decode(const std::string& bytes) {
  Fields fields;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint64_t key = varint(bytes, at);
    Field field;
    switch (key & 7) {
      case 0: field.integer = varint(bytes, at); break;
      case 1: field.integer = number_at(bytes, at, 8), at += 8; break;
      case 2: {
        const std::uint64_t length = varint(bytes, at);
        field.text = bytes.substr(at, length);
        at += length;
        break;
      }
      case 5: field.integer = number_at(bytes, at, 4), at += 4; break;
      default: ADD_FAILURE() << "wire type " << (key & 7); return fields;
    }
    fields.emplace(static_cast<int>(key >> 3), field);
  }
  return fields;
}

Field only(const Fields& fields, int number) {
  EXPECT_EQ(fields.count(number), 1u) << "field " << number;
  return fields.count(number) == 0 ? Field() : fields.find(number)->second;
}

/// The value of the summary in an event.
Fields value_of(const std::string& record) { return decode(only(decode(only(decode(record), 5).text), 1).text); }

std::vector<double> doubles(const std::string& bytes) {
  std::vector<double> values(bytes.size() / 8);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

using EventFile = ScratchFolder;

TEST(MaskedChecksum, IsThatOfThePublishedExample) {
  // RFC 3720, B.4: 32 bytes of zeros have the CRC-32C aa 36 91 8a, least byte first.
  const std::uint32_t crc = 0x8a9136aa;
  EXPECT_EQ(masked_checksum(std::string(32, '\0')), ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

TEST_F(EventFile, BeginsWithTheVersionOfTheFormat) {
  const TensorBoard board(folder_ / "a" / "b");
  EXPECT_EQ(board.file().filename().string().rfind("events.out.tfevents.", 0), 0u);
  const auto all = records(board.file());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(only(decode(all[0]), 3).text, "brain.Event:2");
  EXPECT_GT(only(decode(all[0]), 1).number(), 1.6e9) << "seconds since 1970";
  EXPECT_NE(TensorBoard(folder_ / "a" / "b").file(), board.file()) << "a second run in the same second";
}

TEST_F(EventFile, HoldsScalars) {
  TensorBoard board(folder_);
  board.scalar("loss/train", 300, 0.25);
  const auto all = records(board.file());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(only(decode(all[1]), 2).integer, 300u);
  const Fields value = value_of(all[1]);
  EXPECT_EQ(only(value, 1).text, "loss/train");
  EXPECT_EQ(only(value, 2).number32(), 0.25f);
}

TEST_F(EventFile, HoldsHistograms) {
  TensorBoard board(folder_);
  board.histogram("weights", 1, tensor({-1.0, 0.0, 0.5, 2.0, std::nan("")}, f64));
  board.histogram("nothing", 1, zeros({0}));
  const auto all = records(board.file());
  ASSERT_EQ(all.size(), 2u);
  const Fields histo = decode(only(value_of(all[1]), 5).text);
  EXPECT_EQ(only(histo, 1).number(), -1);
  EXPECT_EQ(only(histo, 2).number(), 2);
  EXPECT_EQ(only(histo, 3).number(), 4);
  EXPECT_DOUBLE_EQ(only(histo, 4).number(), 1.5);
  EXPECT_DOUBLE_EQ(only(histo, 5).number(), 5.25);
  const std::vector<double> limits = doubles(only(histo, 6).text), counts = doubles(only(histo, 7).text);
  ASSERT_EQ(limits.size(), counts.size());
  EXPECT_EQ(limits.front(), -1);
  EXPECT_EQ(limits.back(), 2);
  EXPECT_TRUE(std::is_sorted(limits.begin(), limits.end()));
  EXPECT_EQ(counts.front(), 0);
  EXPECT_EQ(counts.back(), 1);
}

TEST_F(EventFile, HoldsImages) {
  TensorBoard board(folder_);
  board.image("digit", 2, tensor({0, 1, 0.5, 2, -1, 0.25}, {2, 3}));
  const Fields image = decode(only(value_of(records(board.file())[1]), 4).text);
  EXPECT_EQ(only(image, 1).integer, 2u);
  EXPECT_EQ(only(image, 2).integer, 3u);
  EXPECT_EQ(only(image, 3).integer, 1u);
  const std::string file = only(image, 4).text;
  EXPECT_EQ(file.substr(0, 8), std::string("\x89PNG\r\n\x1a\n"));
  // The rows, each behind its filter's number, are the one stream of zlib.
  const std::size_t data = file.find("IDAT");
  std::vector<unsigned char> rows(8);
  uLongf size = rows.size();
  ASSERT_EQ(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(file.data()) + data + 4,
                       static_cast<uLong>(file.size() - data - 4)),
            Z_OK);
  EXPECT_EQ(rows, (std::vector<unsigned char>{0, 0, 255, 128, 0, 255, 0, 64}));
  expect_error<ShapeError>(
      [&] {
        board.image("x", 0, zeros({2, 4, 4}));
      },
      "TensorBoard::image: [2, 4, 4] (want [H, W], [1, H, W] or [3, H, W])");
}

TEST(Png, KeepsChannelsTogether) {
  const std::string file = png({1, 2, 3, 4, 5, 6}, 2, 1, 3);
  EXPECT_EQ(number_at(file, 16, 8), 0x0100000002000000u) << "width and height, most significant byte first";
  EXPECT_EQ(file[24], 8);
  EXPECT_EQ(file[25], 2);
}

TEST_F(EventFile, HoldsTheGraphWithModulesAsScopes) {
  TensorBoard board(folder_);
  nn::Sequential net(nn::Sequential(nn::Linear(3, 4), nn::Softplus()), nn::Linear(4, 2));
  net.name_parameters();
  const Tensor x = ones({5, 3});
  board.graph(Graph(sum(net(x))));
  const Fields graph = decode(only(decode(records(board.file())[1]), 4).text);
  std::map<std::string, Fields> nodes;
  const auto [first, last] = graph.equal_range(1);
  for (auto node = first; node != last; ++node) {
    const Fields fields = decode(node->second.text);
    nodes[only(fields, 1).text] = fields;
  }
  ASSERT_EQ(nodes.count("0/1/softplus"), 1u);
  EXPECT_EQ(only(nodes["0/1/softplus"], 2).text, "softplus");
  EXPECT_EQ(only(nodes["0/1/softplus"], 3).text, "0/0/linear");
  ASSERT_EQ(nodes.count("1/weight"), 1u);
  EXPECT_EQ(nodes["1/weight"].count(3), 0u);
  for (const auto& [name, fields] : nodes) {
    const auto [input, end] = fields.equal_range(3);
    for (auto at = input; at != end; ++at) EXPECT_EQ(nodes.count(at->second.text), 1u) << at->second.text;
  }
  // attr["_output_shapes"].list.shape[0].dim[...].size
  Fields entry;
  const auto [attribute, attributes_end] = nodes["0/1/softplus"].equal_range(5);
  for (auto at = attribute; at != attributes_end; ++at) {
    if (only(decode(at->second.text), 1).text == "_output_shapes") entry = decode(at->second.text);
  }
  ASSERT_FALSE(entry.empty());
  const Fields shape = decode(only(decode(only(decode(only(entry, 2).text), 1).text), 7).text);
  std::vector<std::uint64_t> sizes;
  const auto [dim, dim_end] = shape.equal_range(2);
  for (auto at = dim; at != dim_end; ++at) sizes.push_back(only(decode(at->second.text), 1).integer);
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{5, 4}));
}

TEST_F(EventFile, SaysWhenItCannotBeWritten) {
  expect_error_with<IoError>([] { TensorBoard board("/dev/null/runs"); }, "/dev/null/runs: cannot be made a folder");
}

}  // namespace
}  // namespace dagrad::tools
