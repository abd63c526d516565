// What is left to do with elements once their bytes are at hand: byte order, conj and neg bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// How stored elements become the wanted ones.
struct Resolution {
  std::size_t swap_unit = 1;      ///< bytes that are reversed; 1: none
  bool conj = false;              ///< negate imaginary parts
  bool neg = false;               ///< negate values
  [[nodiscard]] bool nothing() const noexcept { return swap_unit == 1 && !conj && !neg; }
};

/// What elements of `dtype` in order `stored` need to be in order `wanted`. A conj bit on a dtype that is not complex
/// asks for nothing. Errors: `unsupported` for a neg bit on a dtype that PyTorch cannot negate (bool, quantised, bits).
[[nodiscard]] Resolution resolution(DType dtype, std::endian stored, std::endian wanted, bool conj, bool neg);

/// Does it to whole elements, which are then in order `wanted`. Integers wrap, as in PyTorch; of floating-point numbers
/// only the sign bit changes, so NaN payloads stay.
void resolve(DType dtype, const Resolution& resolution, std::endian wanted, std::span<std::byte> elements) noexcept;

}  // namespace sconce::tensor
