#include "dagrad/nn/io/zip_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <unordered_set>
#include <zlib.h>

#include "dagrad/nn/io/zip_format.h"

namespace dagrad::io {
namespace {

/// Where the central directory lies.
struct Directory {
  std::uint64_t offset = 0, bytes = 0, count = 0;
};

/// Little-endian numbers out of a run of bytes.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const InputFile& file) : bytes_(bytes), file_(file) {}
  std::size_t left() const { return bytes_.size(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size()) file_.fail("its ZIP directory breaks off");
    const auto result = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return result;
  }

 private:
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> bytes_;
  const InputFile& file_;
};

std::vector<std::byte> read_part(const InputFile& file, std::uint64_t offset, std::uint64_t bytes) {
  std::vector<std::byte> result(bytes);
  file.read_at(offset, result);
  return result;
}

/// The last record, which a comment may follow.
std::uint64_t find_end_record(const InputFile& file) {
  const std::uint64_t window = std::min<std::uint64_t>(file.size(), zip::kEndBytes + 0xffff);
  const std::uint64_t start = file.size() - window;
  const std::vector<std::byte> tail = read_part(file, start, window);
  for (std::uint64_t at = window; at >= zip::kEndBytes; --at) {
    Fields fields(std::span<const std::byte>(tail).subspan(at - zip::kEndBytes), file);
    if (fields.u32() != zip::kEnd) continue;
    fields.take(16);
    if (fields.u16() == window - at) return start + at - zip::kEndBytes;
  }
  file.fail("has no ZIP directory at its end (want an .npz file)");
}

Directory find_directory(const InputFile& file) {
  const std::uint64_t end = find_end_record(file);
  const std::vector<std::byte> record = read_part(file, end, zip::kEndBytes);
  Fields fields(std::span<const std::byte>(record).subspan(4), file);
  const std::uint16_t disk = fields.u16(), directory_disk = fields.u16(), here = fields.u16();
  Directory directory;
  directory.count = fields.u16();
  directory.bytes = fields.u32();
  directory.offset = fields.u32();
  std::uint64_t limit = end;
  const bool is_large = directory.count == 0xffff || directory.bytes == zip::kIn64 || directory.offset == zip::kIn64;
  if (is_large && end >= zip::kLocatorBytes) {
    const std::vector<std::byte> locator = read_part(file, end - zip::kLocatorBytes, zip::kLocatorBytes);
    Fields at(locator, file);
    if (at.u32() == zip::kLocator) {
      at.u32();
      limit = at.u64();
      if (limit > end - zip::kLocatorBytes || end - zip::kLocatorBytes - limit < zip::kEnd64Bytes)
        file.fail("its ZIP64 directory lies outside of the file");
      const std::vector<std::byte> large = read_part(file, limit, zip::kEnd64Bytes);
      Fields more(large, file);
      if (more.u32() != zip::kEnd64) file.fail("its ZIP64 directory is damaged");
      more.take(28);
      directory.count = more.u64();
      directory.bytes = more.u64();
      directory.offset = more.u64();
    }
  } else if (disk != 0 || directory_disk != 0 || here != directory.count) {
    file.fail("is one part of several of a ZIP archive");
  }
  if (directory.offset > limit || directory.bytes > limit - directory.offset ||
      directory.count > directory.bytes / zip::kCentralBytes)
    file.fail("its ZIP directory lies outside of the file");
  return directory;
}

/// Sizes and offsets that do not fit 32 bits stand in an extra field: those alone, and in this order.
void read_extra(std::span<const std::byte> bytes, ZipMember& member, const InputFile& file) {
  Fields extra(bytes, file);
  while (extra.left() >= 4) {
    const std::uint16_t id = extra.u16(), length = extra.u16();
    Fields field(extra.take(length), file);
    if (id != zip::kExtra64) continue;
    for (std::uint64_t* value : {&member.unpacked, &member.packed, &member.offset}) {
      if (*value == zip::kIn64) *value = field.u64();
    }
  }
}

ZipMember read_member(Fields& fields, const InputFile& file) {
  if (fields.u32() != zip::kCentral) file.fail("its ZIP directory is damaged");
  fields.take(4);
  const std::uint16_t flags = fields.u16(), method = fields.u16();
  fields.take(4);
  ZipMember member;
  member.checksum = fields.u32();
  member.packed = fields.u32();
  member.unpacked = fields.u32();
  const std::uint16_t name_bytes = fields.u16(), extra_bytes = fields.u16(), comment_bytes = fields.u16();
  fields.take(8);
  member.offset = fields.u32();
  const auto name = fields.take(name_bytes);
  member.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  read_extra(fields.take(extra_bytes), member, file);
  fields.take(comment_bytes);
  if ((flags & 1u) != 0) file.fail(fmt::format("'{}' is encrypted", member.name));
  if (method != zip::kStored && method != zip::kDeflated)
    file.fail(fmt::format("'{}' is compressed by method {} (want stored or deflated)", member.name, method));
  member.deflated = method == zip::kDeflated;
  return member;
}

/// From the local header, which the directory points to, on to the bytes.
void find_content(ZipMember& member, std::uint64_t limit, const InputFile& file) {
  if (member.offset > limit || limit - member.offset < zip::kLocalBytes)
    file.fail(fmt::format("'{}' lies outside of the file", member.name));
  const std::vector<std::byte> local = read_part(file, member.offset, zip::kLocalBytes);
  Fields fields(local, file);
  if (fields.u32() != zip::kLocal) file.fail(fmt::format("'{}' has a damaged header", member.name));
  fields.take(22);
  const std::uint64_t before = zip::kLocalBytes + fields.u16() + fields.u16();
  if (limit - member.offset < before || member.packed > limit - member.offset - before)
    file.fail(fmt::format("'{}' lies outside of the file", member.name));
  member.offset += before;
}

void check_apart(const std::vector<ZipMember>& members, const InputFile& file) {
  std::unordered_set<std::string_view> names;
  std::vector<const ZipMember*> order;
  for (const ZipMember& member : members) {
    if (!names.insert(member.name).second) file.fail(fmt::format("has '{}' twice", member.name));
    order.push_back(&member);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i]->offset < order[i - 1]->offset + order[i - 1]->packed)
      file.fail(fmt::format("'{}' and '{}' overlap", order[i - 1]->name, order[i]->name));
  }
}

/// The content of a deflated member.
class Inflated final : public ByteStream {
 public:
  Inflated(const InputFile& file, const ZipMember& member)
      : ByteStream(member.unpacked), member_(member), file_(file), packed_(file, member.offset, member.packed) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) fail("cannot be unpacked: no memory");
  }
  ~Inflated() override { inflateEnd(&stream_); }
  Inflated(const Inflated&) = delete;
  Inflated& operator=(const Inflated&) = delete;

  /// Whether the packed bytes end here, all of them used.
  bool at_end() {
    std::byte extra{};
    return packed_.remaining() == 0 && inflate_into(std::span(&extra, 1)) == 0 && done_ && stream_.avail_in == 0;
  }

 private:
  std::string origin() const override { return fmt::format("{}: '{}'", file_.name(), member_.name); }

  void read_next(std::span<std::byte> into) override {
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    while (!into.empty()) {
      const std::size_t got = inflate_into(into.first(std::min(into.size(), kLargest)));
      if (got == 0) fail("is damaged: its content is shorter than promised");
      into = into.subspan(got);
    }
  }

  /// As many bytes as there are, up to into.size().
  std::size_t inflate_into(std::span<std::byte> into) {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out > 0 && !done_) {
      if (stream_.avail_in == 0 && packed_.remaining() > 0) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), packed_.remaining()));
        packed_.read(std::span(buffer_).first(count));
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(count);
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        done_ = true;
      } else if (code == Z_BUF_ERROR) {
        break;  // no input is left
      } else if (code != Z_OK) {
        fail(fmt::format("is damaged: {}", stream_.msg != nullptr ? stream_.msg : "it cannot be unpacked"));
      }
    }
    return into.size() - stream_.avail_out;
  }

  ZipMember member_;
  const InputFile& file_;
  FileSection packed_;
  z_stream stream_{};
  std::array<std::byte, 1 << 15> buffer_{};
  bool done_ = false;
};

/// The content of a stored member, whose messages name it.
class Stored final : public ByteStream {
 public:
  Stored(const InputFile& file, const ZipMember& member)
      : ByteStream(member.unpacked), name_(member.name), file_(file), section_(file, member.offset, member.packed) {}

 private:
  std::string origin() const override { return fmt::format("{}: '{}'", file_.name(), name_); }
  void read_next(std::span<std::byte> into) override { section_.read(into); }
  std::string name_;
  const InputFile& file_;
  FileSection section_;
};

void check_content(ByteStream& stream, const ZipMember& member) {
  std::array<std::byte, 1 << 15> buffer{};
  uLong checksum = crc32(0, nullptr, 0);
  while (stream.remaining() > 0) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), stream.remaining()));
    stream.read(part);
    checksum = crc32(checksum, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size()));
  }
  if (checksum != member.checksum)
    stream.fail(fmt::format("is damaged: its checksum is {:08x} (want {:08x})", checksum, member.checksum));
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const InputFile& file) {
  const Directory directory = find_directory(file);
  const std::vector<std::byte> bytes = read_part(file, directory.offset, directory.bytes);
  Fields fields(bytes, file);
  std::vector<ZipMember> members;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    members.push_back(read_member(fields, file));
    find_content(members.back(), directory.offset, file);
    if (!members.back().deflated && members.back().packed != members.back().unpacked)
      file.fail(fmt::format("'{}' is stored in {} bytes (want {})", members.back().name, members.back().packed,
                            members.back().unpacked));
  }
  check_apart(members, file);
  return members;
}

std::unique_ptr<ByteStream> open_zip_member(const InputFile& file, const ZipMember& member) {
  if (!member.deflated) {
    Stored trial(file, member);
    check_content(trial, member);
    return std::make_unique<Stored>(file, member);
  }
  // The whole is unpacked once for nothing, so that no memory is taken on the word of a size in the directory.
  Inflated trial(file, member);
  check_content(trial, member);
  if (!trial.at_end()) trial.fail("is damaged: its content is longer than promised");
  return std::make_unique<Inflated>(file, member);
}

}  // namespace dagrad::io
