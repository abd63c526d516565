// Elements that share bytes: quint4x2, quint2x4 and float6. Element i takes the bits from i * bits on, the lowest bit of
// a byte first (ATen/native/quantized, pack_kernel; safetensors leaves the order of float6 open, this is the usual one).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sconce/byte_source.h>

namespace sconce::tensor {

/// A source in which every element of `packed`, `bits` (2, 4 or 6) wide, is a byte of its own. Errors: those of
/// `packed`.
[[nodiscard]] SourcePtr unpacked_source(SourcePtr packed, unsigned bits);

/// Spreads packed elements, beginning with the one at bit `first_bit` (below 8), over bytes.
void unpack(std::span<const std::byte> packed, unsigned first_bit, unsigned bits, std::span<std::byte> elements) noexcept;

/// The reverse, from the lowest bit on; bits that are left over become zero. `packed` has a byte for every eight bits
/// begun.
void pack(std::span<const std::byte> elements, unsigned bits, std::span<std::byte> packed) noexcept;

}  // namespace sconce::tensor
