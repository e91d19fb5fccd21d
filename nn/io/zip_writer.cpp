#include "dagrad/nn/io/zip_writer.h"

#include <algorithm>
#include <array>
#include <new>
#include <zlib.h>

#include "dagrad/nn/io/zip_format.h"

namespace dagrad::io {
namespace {

constexpr std::uint16_t kVersion = 45;     // 4.5: the first with 64-bit sizes
constexpr std::uint16_t kUtf8 = 1u << 11;  // the flag that names are UTF-8
constexpr std::uint16_t kDate = 0x21;      // 1 January 1980, the first there is: equal content gives equal files

/// Little-endian numbers into a run of bytes.
class Record {
 public:
  Record& u16(std::uint64_t value) { return number(value, 2); }
  Record& u32(std::uint64_t value) { return number(value, 4); }
  Record& u64(std::uint64_t value) { return number(value, 8); }
  Record& text(const std::string& text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes_;
};

std::uint64_t or_64(std::uint64_t value) { return std::min<std::uint64_t>(value, zip::kIn64); }

}  // namespace

class ZipWriter::Deflater {
 public:
  explicit Deflater(AtomicFile& out) : out_(out) {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void write(std::span<const std::byte> part, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(part.data()));
    stream_.avail_in = static_cast<uInt>(part.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&stream_, flush);
      out_.write(std::span(buffer_).first(buffer_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

 private:
  AtomicFile& out_;
  z_stream stream_{};
  std::array<std::byte, 1 << 15> buffer_{};
};

void ZipWriter::DeleteDeflater::operator()(Deflater* deflater) const { delete deflater; }

void ZipWriter::begin(const std::string& name, bool deflate) {
  members_.push_back({name, deflate, 0, 0, 0, out_.position()});
  // The sizes and the checksum are filled in at the end; they are in the 64-bit field always, so that it fits.
  out_.write(Record()
                 .u32(zip::kLocal)
                 .u16(kVersion)
                 .u16(kUtf8)
                 .u16(deflate ? zip::kDeflated : zip::kStored)
                 .u16(0)
                 .u16(kDate)
                 .u32(0)
                 .u32(zip::kIn64)
                 .u32(zip::kIn64)
                 .u16(name.size())
                 .u16(20)
                 .text(name)
                 .u16(zip::kExtra64)
                 .u16(16)
                 .u64(0)
                 .u64(0)
                 .bytes());
  if (deflate) deflater_.reset(new Deflater(out_));
}

void ZipWriter::write(std::span<const std::byte> content) {
  constexpr std::size_t kLargestPart = std::size_t{1} << 30;
  Member& member = members_.back();
  while (!content.empty()) {
    const auto part = content.first(std::min(content.size(), kLargestPart));
    content = content.subspan(part.size());
    member.checksum = static_cast<std::uint32_t>(
        crc32(member.checksum, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size())));
    member.unpacked += part.size();
    if (deflater_) {
      deflater_->write(part, Z_NO_FLUSH);
    } else {
      out_.write(part);
    }
  }
}

void ZipWriter::end() {
  if (deflater_) deflater_->write({}, Z_FINISH);
  deflater_.reset();
  Member& member = members_.back();
  const std::uint64_t name_end = member.offset + zip::kLocalBytes + member.name.size();
  member.packed = out_.position() - (name_end + 20);
  constexpr std::uint64_t kChecksumAt = 14;
  out_.overwrite(member.offset + kChecksumAt, std::as_bytes(std::span(&member.checksum, 1)));
  const std::string sizes = Record().u64(member.unpacked).u64(member.packed).bytes();
  out_.overwrite(name_end + 4, std::as_bytes(std::span(sizes)));
}

void ZipWriter::commit() {
  const std::uint64_t start = out_.position();
  for (const Member& member : members_) {
    Record extra;
    for (const std::uint64_t value : {member.unpacked, member.packed, member.offset}) {
      if (value >= zip::kIn64) extra.u64(value);
    }
    const std::uint64_t extra_bytes = extra.bytes().empty() ? 0 : 4 + extra.bytes().size();
    Record record;
    record.u32(zip::kCentral).u16(3 << 8 | kVersion).u16(kVersion).u16(kUtf8);  // 3: made on Unix
    record.u16(member.deflated ? zip::kDeflated : zip::kStored).u16(0).u16(kDate).u32(member.checksum);
    record.u32(or_64(member.packed)).u32(or_64(member.unpacked)).u16(member.name.size()).u16(extra_bytes);
    record.u16(0).u16(0).u16(0).u32(std::uint64_t{0100644} << 16).u32(or_64(member.offset)).text(member.name);
    if (extra_bytes > 0) record.u16(zip::kExtra64).u16(extra.bytes().size()).text(extra.bytes());
    out_.write(record.bytes());
  }
  const std::uint64_t end = out_.position(), bytes = end - start, count = members_.size();
  if (count >= 0xffff || start >= zip::kIn64 || bytes >= zip::kIn64) {
    Record large;
    large.u32(zip::kEnd64).u64(zip::kEnd64Bytes - 12).u16(kVersion).u16(kVersion).u32(0).u32(0);
    large.u64(count).u64(count).u64(bytes).u64(start);
    large.u32(zip::kLocator).u32(0).u64(end).u32(1);
    out_.write(large.bytes());
  }
  const std::uint64_t short_count = std::min<std::uint64_t>(count, 0xffff);
  out_.write(Record()
                 .u32(zip::kEnd)
                 .u16(0)
                 .u16(0)
                 .u16(short_count)
                 .u16(short_count)
                 .u32(or_64(bytes))
                 .u32(or_64(start))
                 .u16(0)
                 .bytes());
  out_.commit();
}

}  // namespace dagrad::io
