// Byte order of whole units: in memory, and as a source over a source.
#pragma once

#include <cstddef>
#include <span>

#include <sconce/byte_source.h>

namespace sconce::tensor {

/// Reverses the bytes of every unit of 2, 4 or 8 bytes; 1 changes nothing. Whole units only: bytes behind the last one
/// stay as they are.
void swap_in_place(std::span<std::byte> bytes, std::size_t unit) noexcept;

/// A source in which the bytes of every unit, counted from its start, are reversed. Bytes behind the last whole unit
/// stay as they are. Reads begin and end anywhere. Its errors are those of `source`.
[[nodiscard]] SourcePtr swapped_source(SourcePtr source, std::size_t unit);

}  // namespace sconce::tensor
