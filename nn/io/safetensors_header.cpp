#include "dagrad/nn/io/safetensors_header.h"

#include <array>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "dagrad/core/error.h"

namespace dagrad::io {
namespace {

using Json = nlohmann::json;
using Kind = ElementType::Kind;

constexpr std::string_view kMetadata = "__metadata__";

struct TypeName {
  std::string_view name;
  ElementType type;
};
constexpr std::array<TypeName, 13> kTypes{{{"BOOL", {Kind::boolean, 1}},
                                           {"U8", {Kind::natural, 1}},
                                           {"I8", {Kind::integer, 1}},
                                           {"U16", {Kind::natural, 2}},
                                           {"I16", {Kind::integer, 2}},
                                           {"F16", {Kind::floating, 2}},
                                           {"BF16", {Kind::brain, 2}},
                                           {"U32", {Kind::natural, 4}},
                                           {"I32", {Kind::integer, 4}},
                                           {"F32", {Kind::floating, 4}},
                                           {"U64", {Kind::natural, 8}},
                                           {"I64", {Kind::integer, 8}},
                                           {"F64", {Kind::floating, 8}}}};

/// Takes the JSON as it is parsed, without a tree: only what the format has is kept, and a name that comes twice is
/// seen. Each member returns false to end the parse, with the reason in error().
class Reader final : public Json::json_sax_t {
 public:
  SafetensorsHeader take() { return std::move(header_); }
  const std::string& error() const { return error_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool number_integer(number_integer_t value) override { return refuse(fmt::format("the number {}", value)); }
  bool number_float(number_float_t, const string_t& text) override {
    return refuse(fmt::format("the number {}", text));
  }
  bool binary(binary_t&) override { return refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      SafetensorsEntry& entry = header_.entries.back();
      if (entry.shape.rank() == kMaxRank) return stop(fmt::format("'{}' has more than {} dimensions", key_, kMaxRank));
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return stop(fmt::format("'{}' has a size of {}", key_, value));
      entry.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets) {
      if (offset_count_ == 2) return stop(fmt::format("'{}' has more than two data_offsets", key_));
      (offset_count_++ == 0 ? header_.entries.back().begin : header_.entries.back().end) = value;
      return true;
    }
    return refuse(fmt::format("the number {}", value));
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = text;
      return true;
    }
    if (place_ != Place::tensor || field_ != "dtype") return refuse("a text");
    for (const TypeName& known : kTypes) {
      if (known.name == text) {
        header_.entries.back().type = known.type;
        return true;
      }
    }
    return stop(fmt::format("'{}' has the element type '{}', which is not supported", key_, text));
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::outside: place_ = Place::top; return true;
      case Place::top:
        if (key_ == kMetadata) {
          place_ = Place::metadata;
        } else {
          place_ = Place::tensor;
          fields_ = 0;
          header_.entries.emplace_back().name = key_;
        }
        return true;
      default: return refuse("an object");
    }
  }

  bool key(string_t& text) override {
    if (place_ == Place::tensor) {
      const unsigned bit = text == "dtype" ? 1u : text == "shape" ? 2u : text == "data_offsets" ? 4u : 0u;
      if (bit == 0) return stop(fmt::format("'{}' has an unknown field '{}'", key_, text));
      if ((fields_ & bit) != 0) return stop(fmt::format("'{}' has its {} twice", key_, text));
      fields_ |= bit;
      field_ = text;
      return true;
    }
    const bool is_new = place_ == Place::top ? names_.insert(text).second : !header_.metadata.contains(text);
    if (!is_new) return stop(fmt::format("the name '{}' comes twice", text));
    key_ = text;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor && fields_ != 7) {
      const char* missing = (fields_ & 1u) == 0 ? "dtype" : (fields_ & 2u) == 0 ? "shape" : "data_offsets";
      return stop(fmt::format("'{}' has no {}", key_, missing));
    }
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") return refuse("a list");
    place_ = field_ == "shape" ? Place::shape : Place::offsets;
    offset_count_ = 0;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offset_count_ != 2) return stop(fmt::format("'{}' lacks data_offsets", key_));
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop(fmt::format("it is no JSON from byte {} on", position));
  }

 private:
  enum class Place { outside, top, metadata, tensor, shape, offsets };

  bool stop(std::string reason) {
    if (error_.empty()) error_ = std::move(reason);
    return false;
  }
  bool refuse(const std::string& what) {
    switch (place_) {
      case Place::outside: return stop(fmt::format("it is {} (want an object)", what));
      case Place::top: return stop(fmt::format("'{}' is {} (want an object)", key_, what));
      case Place::metadata: return stop(fmt::format("'{}' of the metadata is {} (want a text)", key_, what));
      case Place::tensor: return stop(fmt::format("the {} of '{}' is {}", field_, key_, what));
      case Place::shape: return stop(fmt::format("the shape of '{}' holds {} (want sizes)", key_, what));
      case Place::offsets: break;
    }
    return stop(fmt::format("the data_offsets of '{}' hold {} (want two offsets)", key_, what));
  }

  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  std::string key_, field_, error_;
  Place place_ = Place::outside;
  unsigned fields_ = 0;  // of the tensor: dtype 1, shape 2, data_offsets 4
  int offset_count_ = 0;
};

std::string_view name_of_stored(const ElementType& type) {
  for (const TypeName& known : kTypes) {
    if (known.type.kind == type.kind && known.type.size == type.size) return known.name;
  }
  return "?";
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const InputFile& file) {
  if (text.empty() || text.front() != '{') file.fail("its header does not begin with '{' (want a safetensors file)");
  // The parser would take a zero byte for the end.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos)
    file.fail(fmt::format("its header has a zero byte at {}", at));
  Reader reader;
  if (!Json::sax_parse(text.begin(), text.end(), &reader))
    file.fail(fmt::format("its header is wrong: {}", reader.error()));
  return reader.take();
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  // Written in pieces, because the order of names in the file is ours and not that of a sorted object.
  const auto quoted = [](const std::string& text) {
    try {
      return Json(text).dump();
    } catch (const Json::exception&) {
      throw UsageError(fmt::format("save_safetensors: a name or text is not UTF-8: '{}'", text));
    }
  };
  std::string out = "{";
  if (!header.metadata.empty()) {
    out += fmt::format("\"{}\":{{", kMetadata);
    for (const auto& [key, text] : header.metadata) out += fmt::format("{}:{},", quoted(key), quoted(text));
    out.back() = '}';
    out += ',';
  }
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.name == kMetadata)
      throw UsageError(fmt::format("save_safetensors: a tensor is named '{}', which the format reserves", kMetadata));
    out += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},", quoted(entry.name),
                       name_of_stored(entry.type), fmt::join(entry.shape, ","), entry.begin, entry.end);
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  out.resize((out.size() + 7) / 8 * 8, ' ');
  return out;
}

}  // namespace dagrad::io
