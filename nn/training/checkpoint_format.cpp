#include "dagrad/nn/training/checkpoint_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <string_view>
#include <zlib.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"

namespace dagrad::nn {
namespace {

constexpr const char* kFormatKey = "dagrad.checkpoint";
constexpr const char* kFormat = "1";
constexpr const char* kChecksumKey = "dagrad.checksum";
constexpr std::string_view kNotePrefix = "note.";

/// CRC-32 of everything but itself.
class Checksum {
 public:
  void add(const io::Metadata& metadata) {
    for (const auto& [key, value] : metadata) {
      if (key == kChecksumKey) continue;
      add(key);
      add(value);
    }
  }
  /// Contiguous tensors, in any order.
  void add(const io::NamedTensors& tensors) {
    std::vector<const io::NamedTensors::value_type*> order;
    for (const auto& entry : tensors) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    for (const auto* entry : order) {
      const Tensor& t = entry->second;
      add(entry->first);
      add(name_of(t.dtype()));
      add(t.shape().str());
      if (t.bytes() > 0) add_bytes(t.raw_data(), t.bytes());
    }
  }
  std::string str() const { return fmt::format("crc32:{:08x}", value_); }

 private:
  // The zero behind each text tells "ab", "c" from "a", "bc".
  void add(std::string_view text) {
    if (!text.empty()) add_bytes(text.data(), text.size());
    add_bytes("", 1);
  }
  void add_bytes(const void* bytes, std::size_t count) {
    value_ = crc32_z(value_, static_cast<const Bytef*>(bytes), count);
  }
  uLong value_ = crc32_z(0, nullptr, 0);
};

std::string write_number(double value) { return fmt::format("{:a}", value); }

/// The inverse of write_number(), and nothing else: no spaces, decimals or rests.
std::optional<double> read_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double value = 0;
  if (text == "inf") {
    value = std::numeric_limits<double>::infinity();
  } else if (text == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (!text.starts_with("0x") || text.starts_with("0x-")) return std::nullopt;
    text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::hex);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  }
  return negative ? -value : value;
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw IoError(fmt::format("{}: {}", file.string(), what));
}

void check_format(const io::Safetensors& stored, const std::filesystem::path& file) {
  const auto format = stored.metadata.find(kFormatKey);
  if (format == stored.metadata.end())
    fail(file, fmt::format("is no checkpoint: its metadata has no '{}' (want a file of Checkpoint::save)", kFormatKey));
  if (format->second != kFormat)
    fail(file, fmt::format("is a checkpoint of format '{}' (want {})", format->second, kFormat));
  Checksum checksum;
  checksum.add(stored.metadata);
  checksum.add(stored.tensors);
  const auto found = stored.metadata.find(kChecksumKey);
  if (found == stored.metadata.end()) fail(file, "is damaged: it has no checksum");
  if (found->second != checksum.str())
    fail(file, fmt::format("is damaged: its content has checksum {} (want {})", checksum.str(), found->second));
}

}  // namespace

void write_checkpoint(const CheckpointContent& content, const std::filesystem::path& file) {
  io::Metadata metadata{{kFormatKey, kFormat}};
  for (const auto& [name, text] : content.notes) metadata[std::string(kNotePrefix) + name] = text;
  io::NamedTensors tensors;
  for (const auto& [part, state] : content.parts) {
    metadata[part] = state.kind;
    for (const auto& [name, number] : state.numbers) metadata[fmt::format("{}.{}", part, name)] = write_number(number);
    for (const auto& [name, tensor] : state.tensors)
      tensors.emplace_back(fmt::format("{}.{}", part, name), contiguous_data(tensor));
  }
  Checksum checksum;
  checksum.add(metadata);
  checksum.add(tensors);
  metadata[kChecksumKey] = checksum.str();
  io::save_safetensors(tensors, file, metadata);
}

CheckpointContent read_checkpoint(const std::filesystem::path& file) {
  io::Safetensors stored = io::load_safetensors(file);
  check_format(stored, file);
  return parse_checkpoint(std::move(stored), file);
}

CheckpointContent parse_checkpoint(io::Safetensors&& stored, const std::filesystem::path& file) {
  CheckpointContent content;
  // In the order of the map, the name of a part comes before the names of what it holds.
  for (auto& [key, text] : stored.metadata) {
    if (key == kFormatKey || key == kChecksumKey) continue;
    if (key.starts_with(kNotePrefix)) {
      content.notes[key.substr(kNotePrefix.size())] = std::move(text);
      continue;
    }
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) {
      content.parts[key].kind = std::move(text);
      continue;
    }
    const auto part = content.parts.find(key.substr(0, dot));
    const std::optional<double> number = read_number(text);
    if (part == content.parts.end()) fail(file, fmt::format("'{}' is of no part", key));
    if (!number) fail(file, fmt::format("'{}' is '{}' (want a hexadecimal number)", key, text));
    part->second.numbers[key.substr(dot + 1)] = *number;
  }
  for (auto& [name, tensor] : stored.tensors) {
    const std::size_t dot = name.find('.');
    const auto part = content.parts.find(name.substr(0, dot));
    if (dot == std::string::npos || part == content.parts.end()) fail(file, fmt::format("'{}' is of no part", name));
    part->second.tensors[name.substr(dot + 1)] = std::move(tensor);
  }
  return content;
}

}  // namespace dagrad::nn
