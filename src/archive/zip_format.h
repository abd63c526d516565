// Numbers of the zip format, with the sections of APPNOTE.TXT 6.3.10 that define them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sconce::archive {

inline constexpr std::uint32_t kLocalSignature = 0x04034b50;       // "PK\3\4", 4.3.7
inline constexpr std::uint32_t kDescriptorSignature = 0x08074b50;  // "PK\7\8", 4.3.9
inline constexpr std::uint32_t kDirectorySignature = 0x02014b50;   // "PK\1\2", 4.3.12
inline constexpr std::uint32_t kEnd64Signature = 0x06064b50;       // "PK\6\6", 4.3.14
inline constexpr std::uint32_t kLocatorSignature = 0x07064b50;     // "PK\6\7", 4.3.15
inline constexpr std::uint32_t kEndSignature = 0x06054b50;         // "PK\5\6", 4.3.16

// Sizes without what follows (name, extra, comment).
inline constexpr std::size_t kLocalSize = 30;
inline constexpr std::size_t kDirectoryEntrySize = 46;
inline constexpr std::size_t kEnd64Size = 56;
inline constexpr std::size_t kLocatorSize = 20;
inline constexpr std::size_t kEndSize = 22;

// A field of all ones sends the reader to the zip64 record or extra field (4.4.1.4).
inline constexpr std::uint16_t kSaturated16 = 0xFFFF;
inline constexpr std::uint32_t kSaturated32 = 0xFFFFFFFF;
inline constexpr std::uint16_t kZip64Id = 0x0001;    // 4.5.3
inline constexpr std::uint16_t kPaddingId = 0x4246;  // "FB": PyTorch's alignment padding, in local headers only
inline constexpr std::size_t kExtraFieldHeader = 4;  // id and size before the bytes of an extra field, 4.5.1

// Methods (4.4.5) and general purpose flags (4.4.4).
inline constexpr std::uint16_t kStored = 0;
inline constexpr std::uint16_t kDeflated = 8;
inline constexpr std::uint16_t kFlagDescriptor = 1 << 3;
inline constexpr std::uint16_t kFlagPatch = 1 << 5;
inline constexpr std::uint16_t kFlagUtf8 = 1 << 11;
/// Encrypted, strongly encrypted, local header masked: bits 0, 6 and 13.
inline constexpr std::uint16_t kEncryptionMask = 1 | 1 << 6 | 1 << 13;

}  // namespace sconce::archive
