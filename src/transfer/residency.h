// What of a file is in the page cache.
#pragma once

#include <cstdint>
#include <optional>

namespace sconce::transfer {

/// Bytes of the range [offset, offset + size) of an open file that need no disk; nothing where nobody can tell. Reads
/// no byte. Ways to ask: cachestat, which newer kernels have; mincore on a mapping, which tells the truth to the owner
/// of a file only; reads that must not wait, at a few places.
[[nodiscard]] std::optional<std::uint64_t> cached_bytes(int descriptor, std::uint64_t offset, std::uint64_t size);

/// The same by one of them, so that each can be tried.
enum class Evidence : std::uint8_t { cachestat, mincore, no_wait };
[[nodiscard]] std::optional<std::uint64_t> cached_bytes_by(Evidence evidence, int descriptor, std::uint64_t offset,
                                                           std::uint64_t size);

}  // namespace sconce::transfer
