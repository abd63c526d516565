// Sizes that several files of this room agree on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sconce::transfer {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

/// Read at once where a checksum is computed: the bytes are then still in the second level cache.
constexpr std::size_t kCachePiece = std::size_t{256} << 10;
/// What one thread does before it looks for more to do.
constexpr std::uint64_t kTask = std::uint64_t{8} << 20;

[[nodiscard]] constexpr std::uint64_t page_floor(std::uint64_t offset) noexcept { return offset & ~(kPage - 1); }

}  // namespace sconce::transfer
