#include "dagrad/nn/io/npy.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::io {
namespace {

using Npy = ScratchFolder;
using Npz = ScratchFolder;

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += {version, '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  if (version > 1) out += std::string(2, '\0');
  return out + header + data;
}

std::string dictionary(const std::string& descr, const std::string& shape, bool column_major = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (column_major ? "True" : "False") + ", 'shape': " + shape +
         ", }";
}

NamedTensors many() {
  manual_seed(2);
  return {{"f32", randn({3, 5})},       {"f64", randn({2, 1, 2}, f64)},       {"i64", tensor({-1, 1e15}, i64)},
          {"u8", tensor({0, 255}, u8)}, {"bool", tensor({0, 1}, boolean)},    {"0-dim", scalar(2.5)},
          {"empty", zeros({4, 0, 2})},  {"turned", transpose(randn({4, 3}))}, {"large", zeros({100, 1000})},
          {"layer.0.weight", ones({2})}};
}

void expect_same(const std::string& name, const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.dtype(), b.dtype()) << name;
  EXPECT_EQ(a.shape(), b.shape()) << name;
  EXPECT_EQ(a.to_vector<double>(), b.to_vector<double>()) << name;
}

TEST_F(Npy, WritesAsNumPyDoes) {
  save_npy(tensor({1, 2}, {2, 1}, u8), folder_ / "a");
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }";
  header.resize(117, ' ');
  EXPECT_EQ(content(folder_ / "a"), npy(header + "\n", "\1\2"));
}

TEST_F(Npy, ReadsBackEveryTypeAndShape) {
  for (const auto& [name, t] : many()) {
    save_npy(t, folder_ / "a");
    expect_same(name, load_npy(folder_ / "a"), t);
  }
}

TEST_F(Npy, ReadsOtherOrdersAndTypes) {
  const auto read = [&](const std::string& bytes) { return load_npy(write("a", bytes)); };
  const Tensor columns = read(npy(dictionary("|u1", "(2, 3)", true), "\1\2\3\4\5\6"));
  EXPECT_EQ(columns.shape(), (Shape{2, 3}));
  EXPECT_EQ(columns.to_vector<int>(), (std::vector<int>{1, 3, 5, 2, 4, 6}));
  EXPECT_TRUE(columns.is_contiguous());
  EXPECT_EQ(read(npy(dictionary(">i2", "(2,)"), std::string("\1\2\xff\xfe", 4))).to_vector<int>(),
            (std::vector<int>{258, -2}));
  EXPECT_EQ(read(npy(dictionary(">f4", "()"), std::string("\x3f\x80\0\0", 4), 2)).item<float>(), 1);
  EXPECT_EQ(read(npy(dictionary("<f2", "(1,)"), std::string("\0\xc0", 2), 3)).item<float>(), -2);
  EXPECT_EQ(read(npy(dictionary("|b1", "(3,)"), std::string("\0\1\7", 3))).to_vector<int>(),
            (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(read(npy("{\"shape\":(1L,),\"fortran_order\":False,\"descr\":\"=i4\"}\n", std::string("\5\0\0\0", 4)))
                .to_vector<int>(),
            std::vector<int>{5});
}

TEST_F(Npy, SaysWhatIsWrong) {
  const std::string good = dictionary("<f4", "(1,)"), data(4, '\0');
  const struct {
    std::string bytes, message;
  } cases[] = {
      {"", "is too short (want an .npy array)"},
      {"PK\3\4 and so on", "does not begin with \\x93NUMPY (want an .npy array)"},
      {npy(good, data, 4), "has the .npy format 4.0 (want 1.0 to 3.0)"},
      {npy(good, data).substr(0, 9), "truncated: 1 bytes remain (want 2)"},
      {npy(good, data).substr(0, 20), "its .npy header has 57 bytes (want at most 10)"},
      {npy(good, data).substr(0, 69), "truncated: 2 bytes of elements (want 4 for shape [1])"},
      {npy(good, data + data), "has 8 bytes of elements (want 4 for shape [1])"},
      {npy("x", data), "its .npy header lacks '{' at 0"},
      {npy("{'descr': '<f4'}", data), "its .npy header lacks one of 'descr', 'fortran_order' and 'shape'"},
      {npy("{'descr': '<f4', 'descr': '<f4'}", data), "its .npy header has 'descr' twice"},
      {npy("{'descr' '<f4'}", data), "its .npy header lacks ':' at 9"},
      {npy("{'descr': '<f4' 'x'}", data), "its .npy header lacks a comma or '}' at 16"},
      {npy("{'descr", data), "its .npy header has a text without an end at 1"},
      {npy("{'order': 1}", data), "its .npy header has an unknown field 'order'"},
      {npy("{'descr': [('a', '<f4')]}", data), "its .npy header describes records (want an array of numbers)"},
      {npy(good + " x", data), "its .npy header goes on behind its '}' at 58"},
      {npy(dictionary("<c8", "(1,)"), data),
       "its .npy header has the element type '<c8' (want a boolean, integers, or"},
      {npy(dictionary("|O", "(1,)"), data), "its .npy header has the element type '|O'"},
      {npy(dictionary("1 ", "(1,)"), data), "its .npy header has the element type '1 '"},
      {npy("{'fortran_order': 1}", data), "its .npy header has a fortran_order that is neither True nor False"},
      {npy(dictionary("<f4", "(-1,)"), data), "its .npy header has no size at 51 of its shape"},
      {npy(dictionary("<f4", "(99999999999999999999,)"), data), "its .npy header has no size at 51 of its shape"},
      {npy(dictionary("<f4", "(1 1)"), data), "its .npy header lacks a comma or ')' at 53"},
      {npy(dictionary("<f4", "(1,1,1,1,1,1,1,1,1)"), data), "its .npy header has more than 8 dimensions"},
      {npy(dictionary("<f4", "(4294967296, 4294967296)"), data),
       "shape [4294967296, 4294967296] has more elements than can be"},
  };
  for (const auto& [bytes, message] : cases) {
    const auto file = write("a", bytes);
    expect_error_with<IoError>([&] { load_npy(file); }, file.string() + ": " + message);
  }
  expect_error<IoError>([&] { load_npy(folder_ / "b"); },
                        (folder_ / "b").string() + ": cannot be opened: No such file or directory");
  expect_error<IoError>([&] { load_npy(folder_); }, folder_.string() + ": is a folder (want a file)");
  expect_error<DTypeError>([&] { save_npy(zeros({1}, bf16), folder_ / "c"); },
                           "save_npy: the element type is bf16, which NumPy does not have (want f32, or safetensors)");
}

TEST_F(Npz, ReadsBackStoredAndDeflated) {
  const NamedTensors tensors = many();
  for (const bool compress : {false, true}) {
    save_npz(tensors, folder_ / "a", {.compress = compress});
    const NamedTensors loaded = load_npz(folder_ / "a");
    ASSERT_EQ(loaded.size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_EQ(loaded[i].first, tensors[i].first);
      expect_same(tensors[i].first, loaded[i].second, tensors[i].second);
    }
    const auto bytes = std::filesystem::file_size(folder_ / "a");
    EXPECT_EQ(bytes < 400'000, compress);
    save_npz(tensors, folder_ / "b", {.compress = compress});
    EXPECT_EQ(content(folder_ / "a"), content(folder_ / "b"));
  }
  save_npz({}, folder_ / "none");
  EXPECT_TRUE(load_npz(folder_ / "none").empty());
}

TEST_F(Npz, TakesACommentBehindTheDirectory) {
  save_npz({{"a", ones({2})}}, folder_ / "a");
  std::string bytes = content(folder_ / "a");
  bytes[bytes.size() - 2] = 5;
  EXPECT_EQ(load_npz(write("b", bytes + "hello")).size(), 1u);
}

TEST_F(Npz, NoticesEveryFlippedByteOrReadsTheSame) {
  for (const bool compress : {false, true}) {
    save_npz({{"a", tensor({1, 2, 3, 4})}, {"b", ones({3}, f64)}}, folder_ / "a", {.compress = compress});
    const std::string good = content(folder_ / "a");
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
      try {
        const NamedTensors loaded = load_npz(write("b", bytes));
        ASSERT_LE(loaded.size(), 2u);
        if (loaded.size() == 2) {
          EXPECT_EQ(loaded[0].second.to_vector<int>(), (std::vector<int>{1, 2, 3, 4})) << i;
          EXPECT_EQ(loaded[1].second.to_vector<int>(), (std::vector<int>{1, 1, 1})) << i;
        }
      } catch (const IoError&) {
        continue;
      }
    }
    for (std::size_t length = 0; length < good.size(); ++length)
      EXPECT_THROW(load_npz(write("b", good.substr(0, length))), IoError) << length;
  }
}

TEST_F(Npz, SaysWhatIsWrong) {
  const auto message = [&](const std::string& what) { return (folder_ / "b").string() + ": " + what; };
  const auto load = [&](const std::string& bytes) { load_npz(write("b", bytes)); };
  expect_error<IoError>([&] { load("no archive"); }, message("has no ZIP directory at its end (want an .npz file)"));
  save_npz({{"a", ones({2})}, {"b", ones({2})}}, folder_ / "a");
  const std::string good = content(folder_ / "a");
  const std::size_t directory = good.find("PK\1\2"), second = good.find("PK\1\2", directory + 1);
  const auto changed = [&](std::size_t at, char value) {
    std::string bytes = good;
    bytes[at] = value;
    return bytes;
  };
  expect_error<IoError>([&] { load(changed(directory + 8, 1)); }, message("'a.npy' is encrypted"));
  expect_error<IoError>([&] { load(changed(directory + 10, 14)); },
                        message("'a.npy' is compressed by method 14 (want stored or deflated)"));
  expect_error<IoError>([&] { load(changed(directory + 20, 1)); }, message("'a.npy' is stored in 1 bytes (want 136)"));
  expect_error<IoError>([&] { load(changed(second + 46, 'a')); }, message("has 'a.npy' twice"));
  expect_error<IoError>([&] { load(changed(second + 42, '\0')); }, message("'a.npy' and 'b.npy' overlap"));
  expect_error<IoError>([&] { load(changed(second + 48, '!')); }, message("has a member 'b.!py' (want .npy arrays)"));
  expect_error_with<IoError>([&] { load(changed(directory + 16, static_cast<char>(~good[directory + 16]))); },
                             message("'a.npy' is damaged: its checksum is "));
  expect_error<UsageError>(
      [&] {
        save_npz({{"a", ones({1})}, {"a", ones({1})}}, folder_ / "c");
      },
      "save_npz: the name 'a' comes twice");
  expect_error_with<DTypeError>([&] { save_npz({{"a", ones({1}, bf16)}}, folder_ / "c"); }, "save_npz: the element");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "c"));
}

}  // namespace
}  // namespace dagrad::io
