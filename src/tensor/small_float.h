// Floats of one and two bytes, from and to float32: bit for bit what PyTorch does with every number (docs/casts.md).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// What a format does beyond its largest number.
enum class Beyond : std::uint8_t {
  infinite,  ///< has infinities
  largest,   ///< "fn": no infinities, takes the largest number instead
  nan,       ///< "fnuz": no infinities and no negative zero, whose bits are its only NaN
};

/// How a float lies in its bits: a sign, an exponent, a mantissa.
struct FloatFormat {
  unsigned exponent_bits;
  unsigned mantissa_bits;
  unsigned bias;
  Beyond beyond;

  [[nodiscard]] constexpr unsigned sign_bit() const noexcept { return 1U << (exponent_bits + mantissa_bits); }
  [[nodiscard]] constexpr unsigned all_ones() const noexcept { return sign_bit() - 1; }
  /// The bits of the magnitude that comes behind the largest number.
  [[nodiscard]] constexpr unsigned limit() const noexcept {
    if (beyond == Beyond::infinite) return all_ones() >> mantissa_bits << mantissa_bits;
    return beyond == Beyond::largest ? all_ones() : sign_bit();
  }
  /// Bits of a float32's mantissa that the format lacks.
  [[nodiscard]] constexpr unsigned dropped() const noexcept { return 23 - mantissa_bits; }
  /// float32 bits of the smallest normal number, and of the first power of two beyond all exponents.
  [[nodiscard]] constexpr std::uint32_t min_normal() const noexcept { return (128 - bias) << 23; }
  [[nodiscard]] constexpr std::uint32_t max_power() const noexcept {
    const unsigned exponents = (1U << exponent_bits) - (beyond == Beyond::infinite ? 1U : 0U);
    return (exponents + 127 - bias) << 23;
  }
  /// float32 bits of a power of two whose last bit stands for the format's smallest subnormal number: adding it makes
  /// the processor round there.
  [[nodiscard]] constexpr std::uint32_t subnormal_magic() const noexcept { return (128 - bias + dropped()) << 23; }
};

inline constexpr FloatFormat kFloat16{5, 10, 15, Beyond::infinite};
inline constexpr FloatFormat kBFloat16{8, 7, 127, Beyond::infinite};
inline constexpr FloatFormat kFloat8E5M2{5, 2, 15, Beyond::infinite};
inline constexpr FloatFormat kFloat8E4M3Fn{4, 3, 7, Beyond::largest};
inline constexpr FloatFormat kFloat8E5M2Fnuz{5, 2, 16, Beyond::nan};
inline constexpr FloatFormat kFloat8E4M3Fnuz{4, 3, 8, Beyond::nan};

inline constexpr std::uint32_t kFloatSign = 0x8000'0000;
inline constexpr std::uint32_t kFloatInfinity = 0x7F80'0000;
inline constexpr std::uint32_t kFloatQuiet = 0x0040'0000;  ///< the bit of a mantissa that tells a quiet NaN

/// The bits of a NaN with the sign of the float32 `bits`, and as much of its payload as the format keeps.
template <FloatFormat kFormat>
[[nodiscard]] constexpr std::uint32_t narrow_nan(std::uint32_t bits) noexcept {
  if constexpr (kFormat.beyond == Beyond::nan) return kFormat.sign_bit();
  const std::uint32_t sign = (bits >> 31) * kFormat.sign_bit();
  if constexpr (kFormat.mantissa_bits < 7) return sign | kFormat.all_ones();
  return sign | kFormat.limit() | ((bits | kFloatQuiet) & 0x007F'FFFF) >> kFormat.dropped();
}

/// float32 bits → the format's: to the nearest, ties to even; subnormal numbers are made and read.
template <FloatFormat kFormat>
[[nodiscard]] constexpr std::uint32_t narrow(std::uint32_t bits) noexcept {
  const std::uint32_t magnitude = bits & ~kFloatSign;
  if (magnitude > kFloatInfinity) return narrow_nan<kFormat>(bits);
  std::uint32_t result = kFormat.limit();
  if (magnitude < kFormat.min_normal()) {
    constexpr std::uint32_t kMagic = kFormat.subnormal_magic();
    const float sum = std::bit_cast<float>(magnitude) + std::bit_cast<float>(kMagic);
    result = std::bit_cast<std::uint32_t>(sum) - kMagic;
  } else if (magnitude < kFormat.max_power()) {
    const std::uint32_t odd = magnitude >> kFormat.dropped() & 1;
    const std::uint32_t half = (1U << (kFormat.dropped() - 1)) - 1;
    result = (magnitude + half + odd - ((127 - kFormat.bias) << 23)) >> kFormat.dropped();
  }
  if (result >= kFormat.limit()) result = kFormat.beyond == Beyond::largest ? kFormat.limit() - 1 : kFormat.limit();
  if (kFormat.beyond == Beyond::nan && result == 0) return 0;
  return result | (bits >> 31) * kFormat.sign_bit();
}

/// bfloat16 has the exponents of float32: the general way would need its subnormal numbers, which some set to zero.
template <>
[[nodiscard]] constexpr std::uint32_t narrow<kBFloat16>(std::uint32_t bits) noexcept {
  if ((bits & ~kFloatSign) > kFloatInfinity) return narrow_nan<kBFloat16>(bits);
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

/// The format's bits → float32 bits, exactly. A NaN becomes quiet and keeps its sign and payload.
template <FloatFormat kFormat>
[[nodiscard]] constexpr std::uint32_t widen(std::uint32_t bits) noexcept {
  if (kFormat.beyond == Beyond::nan && bits == kFormat.sign_bit()) return kFloatInfinity | kFloatQuiet;
  const std::uint32_t sign = bits & kFormat.sign_bit() ? kFloatSign : 0;
  const std::uint32_t magnitude = bits & kFormat.all_ones();
  if (kFormat.beyond == Beyond::infinite && magnitude == kFormat.limit()) return sign | kFloatInfinity;
  if (kFormat.beyond != Beyond::nan && magnitude >= kFormat.limit())
    return sign | kFloatInfinity | kFloatQuiet | (magnitude << kFormat.dropped() & 0x007F'FFFF);
  if (magnitude >> kFormat.mantissa_bits != 0)
    return sign | ((magnitude << kFormat.dropped()) + ((127 - kFormat.bias) << 23));
  // Subnormal: the same number with a leading one, less that one.
  const float one = std::bit_cast<float>(kFormat.min_normal());
  const float sum = std::bit_cast<float>(kFormat.min_normal() | magnitude << kFormat.dropped());
  return sign | std::bit_cast<std::uint32_t>(sum - one);
}

template <>
[[nodiscard]] constexpr std::uint32_t widen<kBFloat16>(std::uint32_t bits) noexcept {
  return bits << 16;
}

/// float8_e8m0fnu is an exponent and nothing else. PyTorch drops the sign, makes the smallest power of zero, rounds
/// half way up, and rounds up what is between its two smallest powers.
[[nodiscard]] constexpr std::uint32_t narrow_scale(std::uint32_t bits) noexcept {
  const std::uint32_t exponent = bits >> 23 & 0xFF;
  if (exponent == 0xFF) return 0xFF;
  const std::uint32_t mantissa = bits & 0x007F'FFFF;
  return exponent + (mantissa > 0x0040'0000 || (mantissa == 0x0040'0000 && exponent > 0) ? 1 : 0);
}

[[nodiscard]] constexpr std::uint32_t widen_scale(std::uint32_t bits) noexcept {
  if (bits == 0xFF) return kFloatInfinity | kFloatQuiet;
  return bits == 0 ? 0x0040'0000 : bits << 23;
}

}  // namespace sconce::tensor
