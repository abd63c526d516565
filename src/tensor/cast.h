// Elements of one dtype as elements of another, as `tensor.to(dtype)` of PyTorch makes them (docs/casts.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// Why elements of `from` do not become elements of `to`; nothing where they do. Real numbers (floats down to float8,
/// integers, bool) become real and complex ones; complex numbers become complex ones of another precision.
[[nodiscard]] std::optional<std::string> why_no_cast(DType from, DType to);
[[nodiscard]] bool can_cast(DType from, DType to) noexcept;
/// Errors: `unsupported`, with the reason.
void check_cast(DType from, DType to);

/// Casts `count` elements in this machine's byte order. `in` and `out` need no alignment and must not overlap. Numbers
/// are rounded to the nearest, ties to even. Errors: those of check_cast().
void cast_elements(DType from, const std::byte* in, DType to, std::byte* out, std::uint64_t count);

/// The same, piece by piece of a result that takes `whole` bytes in all: large results go past the caches.
void cast_piece(DType from, const std::byte* in, DType to, std::byte* out, std::uint64_t count, std::uint64_t whole);

}  // namespace sconce::tensor
