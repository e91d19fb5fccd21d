#include "dagrad/nn/io/safetensors.h"

#include <cmath>
#include <cstring>

#include "dagrad/core/allocator.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::io {
namespace {

using SafetensorsFile = ScratchFolder;

std::string number(std::uint64_t value) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &value, 8);
  return bytes;
}

/// A file by the letter of the format.
std::string file_of(const std::string& header, const std::string& data = "") {
  return number(header.size()) + header + data;
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST_F(SafetensorsFile, WritesWhatTheFormatSays) {
  save_safetensors({{"b", tensor({1, 2}, f32)}, {"a", tensor({7}, {1, 1}, u8)}, {"c", tensor({3}, {}, f64)}},
                   folder_ / "a", {{"format", "pt"}});
  std::string header =
      R"({"__metadata__":{"format":"pt"},"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"a":{"dtype":"U8","shape":[1,1],"data_offsets":[16,17]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const double three = 3;
  const float numbers[2] = {1, 2};
  std::string data(17, '\7');
  std::memcpy(data.data(), &three, 8);
  std::memcpy(data.data() + 8, numbers, 8);
  EXPECT_EQ(content(folder_ / "a"), file_of(header, data));
}

TEST_F(SafetensorsFile, ReadsBackEveryTypeAndShape) {
  manual_seed(1);
  const NamedTensors tensors{{"f32", randn({3, 5})},
                             {"f64", randn({2, 2}, f64)},
                             {"bf16", randn({7}, bf16)},
                             {"i64", tensor({-1, 1e15}, i64)},
                             {"u8", tensor({0, 255}, u8)},
                             {"bool", tensor({0, 1, 1}, boolean)},
                             {"0-dim", scalar(2.5)},
                             {"empty", zeros({4, 0, 2})},
                             {"turned", transpose(randn({4, 3}))},
                             {"\"quoted\" \\ \xc3\xa9", ones({1})}};
  save_safetensors(tensors, folder_ / "a");
  const Safetensors loaded = load_safetensors(folder_ / "a");
  EXPECT_EQ(loaded.tensors.size(), tensors.size());
  for (const auto& [name, t] : tensors) {
    const Tensor back = find(loaded.tensors, name);
    ASSERT_TRUE(back.defined()) << name;
    EXPECT_EQ(back.dtype(), t.dtype()) << name;
    EXPECT_EQ(back.shape(), t.shape()) << name;
    EXPECT_EQ(back.to_vector<double>(), t.to_vector<double>()) << name;
  }
  save_safetensors({}, folder_ / "none");
  EXPECT_TRUE(load_safetensors(folder_ / "none").tensors.empty());
}

TEST_F(SafetensorsFile, WidensTypesThatTensorsLack) {
  const std::string header = "{" + entry("h", "F16", "[4]", "[0,8]") + "," + entry("i8", "I8", "[2]", "[8,10]") + "," +
                             entry("i16", "I16", "[1]", "[10,12]") + "," + entry("u16", "U16", "[1]", "[12,14]") + "," +
                             entry("i32", "I32", "[1]", "[14,18]") + "," + entry("u32", "U32", "[1]", "[18,22]") + "," +
                             entry("u64", "U64", "[1]", "[22,30]") + "}";
  const std::string all_ones(20, '\xff');
  const std::string half("\x00\x3c\x01\x00\x00\xfc\xff\xfb", 8);  // 1, the smallest, -inf, the lowest
  const auto read = [&](const std::string& data) {
    return load_safetensors(write("a", file_of(header, data))).tensors;
  };
  const NamedTensors t = read(half + all_ones + "\x01" + std::string(1, '\0'));
  expect_error_with<IoError>([&] { read(half + all_ones + "\xff\xff"); },
                             "holds the number 18446744073709551615, too large for i64");
  const auto halves = find(t, "h").to_vector<double>();
  EXPECT_EQ(halves, (std::vector<double>{1, std::ldexp(1.0, -24), -INFINITY, -65504}));
  EXPECT_EQ(find(t, "h").dtype(), f32);
  EXPECT_EQ(find(t, "i8").to_vector<std::int64_t>(), (std::vector<std::int64_t>{-1, -1}));
  EXPECT_EQ(find(t, "i16").item<std::int64_t>(), -1);
  EXPECT_EQ(find(t, "u16").item<std::int64_t>(), 65535);
  EXPECT_EQ(find(t, "i32").item<std::int64_t>(), -1);
  EXPECT_EQ(find(t, "u32").item<std::int64_t>(), 4294967295);
}

TEST_F(SafetensorsFile, RefusesWhatBreaksARule) {
  const std::string good = entry("a", "F32", "[1]", "[0,4]"), data(4, '\0');
  const std::string eight(8, '\0');
  const struct {
    std::string bytes, message;
  } cases[] = {
      {"", "is no safetensors file: it has 0 bytes (want at least the 8 of its header's size)"},
      {number(9) + "{}",
       "is no safetensors file, or is cut short: its header has 9 bytes (want at most the 2 that follow)"},
      {number(~0ull) + "{}",
       "is no safetensors file: its header would have 18446744073709551615 bytes (want at most 100000000)"},
      {file_of(""), "its header does not begin with '{' (want a safetensors file)"},
      {file_of(" {}"), "its header does not begin with '{' (want a safetensors file)"},
      {file_of("{}" + std::string(6, '\0')), "its header has a zero byte at 2"},
      {file_of("{} x"), "its header is wrong: it is no JSON from byte 4 on"},
      {file_of("{" + good), "its header is wrong: it is no JSON from byte 54 on"},
      {file_of("{\"\xff\":1}"), "its header is wrong: it is no JSON from byte 3 on"},
      {file_of("{\"a\":1}"), "its header is wrong: 'a' is the number 1 (want an object)"},
      {file_of("{\"__metadata__\":{\"a\":1}}"),
       "its header is wrong: 'a' of the metadata is the number 1 (want a text)"},
      {file_of("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"), "its header is wrong: the name 'a' comes twice"},
      {file_of("{" + good + "," + good + "}", data), "its header is wrong: the name 'a' comes twice"},
      {file_of("{" + entry("a", "F33", "[1]", "[0,4]") + "}", data),
       "its header is wrong: 'a' has the element type 'F33', which is not supported"},
      {file_of("{" + entry("a", "F32", "[1.0]", "[0,4]") + "}", data),
       "its header is wrong: the shape of 'a' holds the number 1.0 (want sizes)"},
      {file_of("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", data),
       "its header is wrong: the shape of 'a' holds the number -1 (want sizes)"},
      {file_of("{" + entry("a", "F32", "[[1]]", "[0,4]") + "}", data),
       "its header is wrong: the shape of 'a' holds a list (want sizes)"},
      {file_of("{" + entry("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") + "}", data),
       "its header is wrong: 'a' has more than 8 dimensions"},
      {file_of("{" + entry("a", "F32", "1", "[0,4]") + "}", data),
       "its header is wrong: the shape of 'a' is the number 1"},
      {file_of("{" + entry("a", "F32", "[1]", "[0]") + "}", data), "its header is wrong: 'a' lacks data_offsets"},
      {file_of("{" + entry("a", "F32", "[1]", "[0,4,8]") + "}", data),
       "its header is wrong: 'a' has more than two data_offsets"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", data), "its header is wrong: 'a' has no data_offsets"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", data), "its header is wrong: 'a' has its dtype twice"},
      {file_of("{\"a\":{\"type\":\"F32\"}}", data), "its header is wrong: 'a' has an unknown field 'type'"},
      {file_of("{" + entry("a", "F32", "[1]", "[0,8]") + "}", data),
       "'a' lies at [0, 8) (want offsets in order, within the 4 bytes of data)"},
      {file_of("{" + entry("a", "F32", "[1]", "[4,0]") + "}", data),
       "'a' lies at [4, 0) (want offsets in order, within the 4 bytes of data)"},
      {file_of("{" + entry("a", "F32", "[2]", "[0,4]") + "}", data), "'a' has 4 bytes (want 8 for its shape [2])"},
      {file_of("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}"),
       "shape [4294967296, 4294967296] has more elements than can be"},
      {file_of("{" + entry("a", "F32", "[0,4294967296,4294967296]", "[0,0]") + "}"),
       "shape [0, 4294967296, 4294967296] has more elements than can be"},
      {file_of("{" + entry("a", "F32", "[9223372036854775808]", "[0,0]") + "}"),
       "its header is wrong: 'a' has a size of 9223372036854775808"},
      {file_of("{" + good + "}", eight), "its tensors end at 4 (want the file's end, 8)"},
      {file_of("{" + entry("a", "F32", "[1]", "[4,8]") + "}", eight),
       "'a' begins at 4 (want 0, where the one before ends)"},
      {file_of("{" + good + "," + entry("b", "F32", "[1]", "[0,4]") + "}", data),
       "'b' begins at 0 (want 4, where the one before ends)"},
  };
  for (const auto& [bytes, message] : cases) {
    const auto file = write("a", bytes);
    expect_error_with<IoError>([&] { load_safetensors(file); }, file.string() + ": " + message);
  }
}

TEST_F(SafetensorsFile, TakesNoMemoryOnTheWordOfAHeader) {
  // A tensor of 4 TB in a file of 100 bytes.
  const auto file = write("a", file_of("{" + entry("a", "F32", "[1000000,1000000]", "[0,4000000000000]") + "}"));
  const std::size_t before = allocator_statistics().system_allocations;
  EXPECT_THROW(load_safetensors(file), IoError);
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST_F(SafetensorsFile, NestedJsonDoesNotReachTheStackLimit) {
  expect_error_with<IoError>([&] { load_safetensors(write("a", file_of("{\"a\":" + std::string(1'000'000, '[')))); },
                             "'a' is a list (want an object)");
}

TEST_F(SafetensorsFile, RefusesToWriteWhatItCouldNotRead) {
  const Tensor t = ones({1});
  expect_error<UsageError>(
      [&] {
        save_safetensors({{"a", t}, {"a", t}}, folder_ / "a");
      },
      "save_safetensors: the name 'a' comes twice");
  expect_error<UsageError>(
      [&] {
        save_safetensors({{"a", Tensor()}}, folder_ / "a");
      },
      "save_safetensors: tensor 'a' is undefined");
  expect_error_with<UsageError>(
      [&] {
        save_safetensors({{"__metadata__", t}}, folder_ / "a");
      },
      "which the format reserves");
  expect_error_with<UsageError>([&] { save_safetensors({{"\xff", t}}, folder_ / "a"); }, "is not UTF-8");
  EXPECT_EQ(file_count(), 0u);
}

}  // namespace
}  // namespace dagrad::io
