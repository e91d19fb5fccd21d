#include "dagrad/nn/io/npy_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/io/element_type.h"

namespace dagrad::io {
namespace {

using Kind = ElementType::Kind;

constexpr std::string_view kMagic = "\x93NUMPY";
/// Far above what an array of numbers needs; NumPy's own reader stops at 10,000.
constexpr std::uint64_t kLargestHeader = 1 << 16;

struct Header {
  ElementType type{};
  bool column_major = false;
  Shape shape;
};

/// Reads the header's text, which is a Python dictionary like
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class Parser {
 public:
  Parser(std::string_view text, const ByteStream& stream) : text_(text), stream_(stream) {}

  Header parse() {
    expect('{');
    unsigned seen = 0;
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      const unsigned bit = field(key);
      if ((seen & bit) != 0) fail(fmt::format("has '{}' twice", key));
      seen |= bit;
      if (!take(',') && peek() != '}') fail(fmt::format("lacks a comma or '}}' at {}", at_));
    }
    skip_spaces();
    if (at_ != text_.size()) fail(fmt::format("goes on behind its '}}' at {}", at_));
    if (seen != 7) fail("lacks one of 'descr', 'fortran_order' and 'shape'");
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { stream_.fail("its .npy header " + what); }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (at_ >= text_.size() || peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("lacks '{}' at {}", c, at_));
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail(fmt::format("lacks a text at {}", at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail(fmt::format("has a text without an end at {}", at_));
    const std::string_view result = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return result;
  }

  unsigned field(std::string_view key) {
    if (key == "descr") {
      if (peek() == '[') fail("describes records (want an array of numbers)");
      parse_type(quoted());
      return 1;
    }
    if (key == "fortran_order") {
      header_.column_major = take_word("True");
      if (!header_.column_major && !take_word("False")) fail("has a fortran_order that is neither True nor False");
      return 2;
    }
    if (key == "shape") {
      parse_shape();
      return 4;
    }
    fail(fmt::format("has an unknown field '{}'", key));
  }

  void parse_type(std::string_view descr) {
    static constexpr std::string_view kKinds = "b1 u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8";
    const std::string_view name = descr.substr(std::min<std::size_t>(1, descr.size()));
    const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
    const std::size_t known =
        name.size() == 2 && name.find(' ') == std::string_view::npos ? kKinds.find(name) : std::string_view::npos;
    if (!has_order || known == std::string_view::npos)
      fail(fmt::format("has the element type '{}' (want a boolean, integers, or floats of 2, 4 or 8 bytes)", descr));
    const char letter = name[0];
    header_.type.kind = letter == 'b'   ? Kind::boolean
                        : letter == 'u' ? Kind::natural
                        : letter == 'i' ? Kind::integer
                                        : Kind::floating;
    header_.type.size = static_cast<std::size_t>(name[1] - '0');
    header_.type.big_endian = descr[0] == '>' && header_.type.size > 1;
  }

  void parse_shape() {
    expect('(');
    while (!take(')')) {
      skip_spaces();
      std::int64_t size = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) fail(fmt::format("has no size at {} of its shape", at_));
      at_ += static_cast<std::size_t>(end - begin);
      take('L');  // a long integer, as Python 2 wrote it
      if (header_.shape.rank() == kMaxRank) fail(fmt::format("has more than {} dimensions", kMaxRank));
      header_.shape.push_back(size);
      if (!take(',') && peek() != ')') fail(fmt::format("lacks a comma or ')' at {}", at_));
    }
  }

  std::string_view text_;
  const ByteStream& stream_;
  std::size_t at_ = 0;
  Header header_;
};

Header read_header(ByteStream& stream) {
  std::array<unsigned char, 8> start{};
  if (stream.remaining() < start.size()) stream.fail("is too short (want an .npy array)");
  stream.read(std::as_writable_bytes(std::span(start)));
  if (!std::equal(kMagic.begin(), kMagic.end(), start.begin(),
                  [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; }))
    stream.fail("does not begin with \\x93NUMPY (want an .npy array)");
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    stream.fail(fmt::format("has the .npy format {}.{} (want 1.0 to 3.0)", start[6], start[7]));
  std::uint32_t length = 0;  // 2 bytes in format 1.0, 4 later
  stream.read(std::as_writable_bytes(std::span(&length, 1)).first(start[6] == 1 ? 2 : 4));
  if (length > kLargestHeader || length > stream.remaining()) {
    stream.fail(fmt::format("its .npy header has {} bytes (want at most {})", length,
                            std::min(kLargestHeader, stream.remaining())));
  }
  std::string text(length, '\0');
  stream.read(std::as_writable_bytes(std::span(text)));
  return Parser(text, stream).parse();
}

}  // namespace

Tensor read_npy(ByteStream& stream) {
  Header header = read_header(stream);
  const std::uint64_t bytes = checked_bytes(stream, header.type, header.shape);
  if (bytes < stream.remaining()) {
    stream.fail(
        fmt::format("has {} bytes of elements (want {} for shape {})", stream.remaining(), bytes, header.shape.str()));
  }
  if (!header.column_major || header.shape.rank() < 2) return read_elements(stream, header.type, header.shape);
  // Columns first is the same as rows first with the axes the other way round.
  std::reverse(header.shape.begin(), header.shape.end());
  const Tensor reversed = read_elements(stream, header.type, header.shape);
  Shape shape = reversed.shape();
  Strides strides = reversed.strides();
  std::reverse(shape.begin(), shape.end());
  std::reverse(strides.begin(), strides.end());
  return contiguous_data(reversed.alias(shape, strides, 0));
}

std::string npy_header(const char* function, const Tensor& t) {
  const char* descr = nullptr;
  switch (t.dtype()) {
    case DType::f32: descr = "<f4"; break;
    case DType::f64: descr = "<f8"; break;
    case DType::i64: descr = "<i8"; break;
    case DType::u8: descr = "|u1"; break;
    case DType::boolean: descr = "|b1"; break;
    case DType::bf16: break;
  }
  if (descr == nullptr) {
    throw DTypeError(
        fmt::format("{}: the element type is bf16, which NumPy does not have (want f32, or safetensors)", function));
  }
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                 fmt::join(t.shape(), ", "), t.dim() == 1 ? "," : "");
  // The elements begin at a multiple of 64 bytes, 10 of which come before this text.
  text.resize((text.size() + 1 + 10 + 63) / 64 * 64 - 10 - 1, ' ');
  text += '\n';
  std::string out(kMagic);
  out += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return out + text;
}

}  // namespace dagrad::io
