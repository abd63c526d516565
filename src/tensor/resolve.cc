#include "tensor/resolve.h"

#include <cstring>
#include <string>

#include "base/endian.h"
#include "base/fail.h"
#include "tensor/swap.h"

namespace sconce::tensor {
namespace {

/// How a number is negated.
enum class Negation : std::uint8_t { none, sign_bit, two_sign_bits, sign_bit_but_zero, twos_complement };

Negation negation_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::float64:
    case DType::float32:
    case DType::float16:
    case DType::bfloat16:
    case DType::float8_e5m2:
    case DType::float8_e4m3fn:
    case DType::complex128:
    case DType::complex64:
    case DType::complex32:
    case DType::bcomplex32: return Negation::sign_bit;
    case DType::float4_e2m1fn_x2: return Negation::two_sign_bits;
    case DType::float8_e5m2fnuz:
    case DType::float8_e4m3fnuz: return Negation::sign_bit_but_zero;  // there is no -0; its bits are the NaN
    case DType::int64:
    case DType::int32:
    case DType::int16:
    case DType::int8:
    case DType::uint64:
    case DType::uint32:
    case DType::uint16:
    case DType::uint8: return Negation::twos_complement;
    default: return Negation::none;
  }
}

template <typename Bits>
Bits negated(Bits value, Negation negation) noexcept {
  constexpr auto kSign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
  switch (negation) {
    case Negation::sign_bit: return static_cast<Bits>(value ^ kSign);
    case Negation::two_sign_bits: return static_cast<Bits>(value ^ 0x88);
    case Negation::sign_bit_but_zero:
      return static_cast<Bits>(value & ~kSign) == 0 ? value : static_cast<Bits>(value ^ kSign);
    case Negation::twos_complement: return static_cast<Bits>(Bits{0} - value);
    case Negation::none: return value;
  }
  return value;
}

/// Negates every `step`-th number from number `first` on.
template <typename Bits>
void negate(std::span<std::byte> bytes, Negation negation, bool swapped, std::size_t first, std::size_t step) noexcept {
  for (std::size_t at = first * sizeof(Bits); at < bytes.size(); at += step * sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    if (swapped) value = byte_swapped(value);
    value = negated(value, negation);
    if (swapped) value = byte_swapped(value);
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
}

}  // namespace

Resolution resolution(DType dtype, std::endian stored, std::endian wanted, bool conj, bool neg) {
  if (neg && negation_of(dtype) == Negation::none) {
    fail(ErrorCode::unsupported,
         "a neg bit on a " + std::string(to_string(dtype)) + " tensor, which PyTorch cannot negate either", {},
         "save the tensor again with resolve_neg()");
  }
  return {
      .swap_unit = stored == wanted ? std::size_t{1} : info(dtype).swap_unit,
      .conj = conj && info(dtype).is_complex,
      .neg = neg,
  };
}

void resolve(DType dtype, const Resolution& resolution, std::endian wanted, std::span<std::byte> elements) noexcept {
  swap_in_place(elements, resolution.swap_unit);
  if (!resolution.conj && !resolution.neg) return;
  // Numbers that change sign: all for neg, imaginary parts for conj, and real parts for both.
  const std::size_t first = resolution.conj && !resolution.neg ? 1 : 0;
  const std::size_t step = resolution.conj ? 2 : 1;
  const Negation negation = negation_of(dtype);
  const bool swapped = wanted != std::endian::native;
  switch (info(dtype).swap_unit) {
    case 1: return negate<std::uint8_t>(elements, negation, swapped, first, step);
    case 2: return negate<std::uint16_t>(elements, negation, swapped, first, step);
    case 4: return negate<std::uint32_t>(elements, negation, swapped, first, step);
    default: return negate<std::uint64_t>(elements, negation, swapped, first, step);
  }
}

}  // namespace sconce::tensor
