// Strided reads of a source: long runs of it are read into a bounded window, and elements are picked out there.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sconce/byte_source.h>

#include "tensor/strided_copy.h"

namespace sconce::tensor {

/// Bytes of a source that a strided read holds at a time. Who reads strided elements one part after another should ask
/// for about as many bytes at a time: every part reads a little of every row that it touches.
inline constexpr std::size_t kWindow = std::size_t{8} << 20;

/// Copies elements [first, last) of `copy` from a source, in which the first element of all stands at byte `base`, into
/// memory, in which element number `first` stands at `to`. The source gives a view, or is read forwards through
/// `window` bytes (a few more where that is smaller than an element or two). Errors: those of the source.
void read_strided(const ByteSource& source, std::uint64_t base, const StridedCopy& copy, std::uint64_t first,
                  std::uint64_t last, std::byte* to, std::size_t window = kWindow);

}  // namespace sconce::tensor
