// Protocol buffer messages, written. Internal.
//
// The program needs five small messages, whose .proto files come with TensorFlow and with no package of Debian; keeping
// copies of them, generating code from them and linking libprotobuf would be more than these lines. The encoding is
// that of https://protobuf.dev/programming-guides/encoding: a field is a key (number and wire type) and a value.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dagrad::tools {

/// The fields of one message, in the order of the calls.
class Message {
 public:
  /// int32, int64, bool, enum.
  Message& integer(std::uint32_t field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& number(std::uint32_t field, double value) {
    key(field, 1);
    little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  Message& number32(std::uint32_t field, float value) {
    key(field, 5);
    little_endian(std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  /// string, bytes.
  Message& text(std::uint32_t field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes_); }
  /// repeated double, packed.
  Message& numbers(std::uint32_t field, const std::vector<double>& values) {
    key(field, 2);
    varint(values.size() * 8);
    for (const double value : values) little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(std::uint32_t field, std::uint32_t type) { varint(field << 3 | type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
  }

  std::string bytes_;
};

}  // namespace dagrad::tools
