// Regions whose elements become those of another dtype on their way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transfer/region.h"

namespace sconce::transfer {

/// Read and cast at once: what is read and what it becomes fit the second level cache together.
constexpr std::uint64_t kCastPiece = std::uint64_t{512} << 10;

/// Whole elements in so many plain bytes.
[[nodiscard]] std::uint64_t elements_in(const Region& region, std::uint64_t plain_bytes);
/// Plain bytes of the most elements that take no more than `most` bytes, neither before nor after.
[[nodiscard]] std::uint64_t cast_step(const Region& region, std::uint64_t most);
/// Where the element that begins at this plain byte goes.
[[nodiscard]] std::uint64_t cast_offset(const Region& region, std::uint64_t plain_offset);

/// Plain bytes in this machine's byte order, and counted: what a device can cast. Bytes behind the last whole element
/// are left out.
[[nodiscard]] std::span<const std::byte> prepare_cast(const Region& region, std::span<std::byte> plain);
/// The same, and cast to `into`, which is a part of memory of `whole` bytes.
void cast_into(const Region& region, std::span<std::byte> plain, std::byte* into, std::uint64_t whole);

}  // namespace sconce::transfer
