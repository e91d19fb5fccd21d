// The numbers of the ZIP format (PKWARE's APPNOTE, 4.3 to 4.5). Internal.
#pragma once

#include <cstdint>

namespace dagrad::io::zip {

inline constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                               kLocator = 0x07064b50;
/// Bytes of each record without its names and extra fields.
inline constexpr std::uint64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                               kLocatorBytes = 20;
inline constexpr std::uint16_t kStored = 0, kDeflated = 8;
/// The extra field with 64-bit sizes, and what stands in the 32-bit field when the size is there.
inline constexpr std::uint16_t kExtra64 = 1;
inline constexpr std::uint32_t kIn64 = 0xffffffff;

}  // namespace dagrad::io::zip
