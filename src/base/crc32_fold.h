// CRC-32 by folding 256 bytes at a time, where the processor multiplies without carries in 64-byte vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sconce {

/// Runs shorter than this are not worth it, and not taken.
inline constexpr std::size_t kCrc32FoldMinimum = 512;

/// Whether this processor has VPCLMULQDQ and AVX-512.
[[nodiscard]] bool can_fold_crc32() noexcept;

/// CRC-32 of zip, continued from `crc`, of as many bytes as make whole blocks; `bytes` becomes the rest. Only where
/// can_fold_crc32().
[[nodiscard]] std::uint32_t fold_crc32(std::uint32_t crc, std::span<const std::byte>& bytes) noexcept;

}  // namespace sconce
