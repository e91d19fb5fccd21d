#include "dagrad/nn/io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/io/atomic_file.h"
#include "dagrad/nn/io/safetensors_header.h"

namespace dagrad::io {
namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;

std::string read_header(const InputFile& file) {
  if (file.size() < 8)
    file.fail(
        fmt::format("is no safetensors file: it has {} bytes (want at least the 8 of its header's size)", file.size()));
  std::uint64_t length = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kLargestHeader)
    file.fail(fmt::format("is no safetensors file: its header would have {} bytes (want at most {})", length,
                          kLargestHeader));
  if (length > file.size() - 8)
    file.fail(fmt::format(
        "is no safetensors file, or is cut short: its header has {} bytes (want at most the {} that follow)", length,
        file.size() - 8));
  std::string text(length, '\0');
  file.read_at(8, std::as_writable_bytes(std::span(text)));
  return text;
}

/// Every byte behind the header belongs to exactly one tensor.
void check_offsets(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes, const InputFile& file) {
  const FileSection nothing(file, 0, 0);
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin > entry.end || entry.end > data_bytes) {
      file.fail(fmt::format("'{}' lies at [{}, {}) (want offsets in order, within the {} bytes of data)", entry.name,
                            entry.begin, entry.end, data_bytes));
    }
    const std::uint64_t bytes = checked_bytes(nothing, entry.type, entry.shape);
    if (entry.end - entry.begin != bytes) {
      file.fail(fmt::format("'{}' has {} bytes (want {} for its shape {})", entry.name, entry.end - entry.begin, bytes,
                            entry.shape.str()));
    }
  }
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(entries[a].begin, entries[a].end) < std::pair(entries[b].begin, entries[b].end);
  });
  std::uint64_t at = 0;
  for (const std::size_t i : order) {
    if (entries[i].begin != at) {
      file.fail(
          fmt::format("'{}' begins at {} (want {}, where the one before ends)", entries[i].name, entries[i].begin, at));
    }
    at = entries[i].end;
  }
  if (at != data_bytes) file.fail(fmt::format("its tensors end at {} (want the file's end, {})", at, data_bytes));
}

ElementType stored_type(DType dtype) {
  using Kind = ElementType::Kind;
  const Kind kind = dtype == boolean ? Kind::boolean
                    : dtype == bf16  ? Kind::brain
                    : dtype == u8    ? Kind::natural
                    : dtype == i64   ? Kind::integer
                                     : Kind::floating;
  return {kind, item_size(dtype)};
}

}  // namespace

Safetensors load_safetensors(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string text = read_header(file);
  SafetensorsHeader header = parse_safetensors_header(text, file);
  const std::uint64_t start = 8 + text.size();
  check_offsets(header.entries, file.size() - start, file);
  Safetensors result{.tensors = {}, .metadata = std::move(header.metadata)};
  result.tensors.reserve(header.entries.size());
  for (SafetensorsEntry& entry : header.entries) {
    FileSection section(file, start + entry.begin, entry.end - entry.begin);
    Tensor tensor = read_elements(section, entry.type, entry.shape);
    result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return result;
}

void save_safetensors(const NamedTensors& tensors, const std::filesystem::path& file, const Metadata& metadata) {
  check_names("save_safetensors", tensors);
  std::vector<const NamedTensors::value_type*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const std::size_t size_a = item_size(a->second.dtype()), size_b = item_size(b->second.dtype());
    return size_a != size_b ? size_a > size_b : a->first < b->first;
  });
  SafetensorsHeader header{.entries = {}, .metadata = metadata};
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    const Tensor& t = entry->second;
    header.entries.push_back({entry->first, stored_type(t.dtype()), t.shape(), at, at + t.bytes()});
    at += t.bytes();
  }
  const std::string text = format_safetensors_header(header);
  if (text.size() > kLargestHeader)
    throw UsageError(
        fmt::format("save_safetensors: a header of {} bytes (want at most {})", text.size(), kLargestHeader));
  AtomicFile out(file);
  const std::uint64_t length = text.size();
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(text);
  for (const auto* entry : order) {
    const Tensor t = contiguous_data(entry->second);
    out.write(std::span(static_cast<const std::byte*>(t.raw_data()), t.bytes()));
  }
  out.commit();
}

}  // namespace dagrad::io
