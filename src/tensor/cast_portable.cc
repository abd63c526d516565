// Small floats from and to float32 without anything that a processor may lack.
#include <array>
#include <cstdint>
#include <cstring>

#include "tensor/cast_levels.h"
#include "tensor/small_float.h"

namespace sconce::tensor {
namespace {

template <typename In, typename Out, typename Convert>
void each(const std::byte* in, std::byte* out, std::size_t count, const Convert& convert) {
  for (std::size_t at = 0; at < count; ++at) {
    In value;
    std::memcpy(&value, in + at * sizeof value, sizeof value);
    const auto result = static_cast<Out>(convert(value));
    std::memcpy(out + at * sizeof result, &result, sizeof result);
  }
}

template <typename Bits, std::uint32_t (*kConvert)(std::uint32_t) noexcept>
void narrow_loop(const std::byte* in, std::byte* out, std::size_t count, CastInto) {
  each<std::uint32_t, Bits>(in, out, count, kConvert);
}

template <std::uint32_t (*kConvert)(std::uint32_t) noexcept>
void widen_pairs(const std::byte* in, std::byte* out, std::size_t count, CastInto) {
  each<std::uint16_t, std::uint32_t>(in, out, count, [](std::uint16_t bits) { return kConvert(bits); });
}

template <std::uint32_t (*kConvert)(std::uint32_t) noexcept>
constexpr std::array<std::uint32_t, 256> table() {
  std::array<std::uint32_t, 256> all{};
  for (std::uint32_t bits = 0; bits < 256; ++bits) all[bits] = kConvert(bits);
  return all;
}

template <std::uint32_t (*kConvert)(std::uint32_t) noexcept>
void widen_bytes(const std::byte* in, std::byte* out, std::size_t count, CastInto) {
  static constexpr std::array<std::uint32_t, 256> kTable = table<kConvert>();
  each<std::uint8_t, std::uint32_t>(in, out, count, [](std::uint8_t bits) { return kTable[bits]; });
}

}  // namespace

CastKernel portable_widen(DType from) noexcept {
  switch (from) {
    case DType::float16: return widen_pairs<widen<kFloat16>>;
    case DType::bfloat16: return widen_pairs<widen<kBFloat16>>;
    case DType::float8_e5m2: return widen_bytes<widen<kFloat8E5M2>>;
    case DType::float8_e4m3fn: return widen_bytes<widen<kFloat8E4M3Fn>>;
    case DType::float8_e5m2fnuz: return widen_bytes<widen<kFloat8E5M2Fnuz>>;
    case DType::float8_e4m3fnuz: return widen_bytes<widen<kFloat8E4M3Fnuz>>;
    case DType::float8_e8m0fnu: return widen_bytes<widen_scale>;
    default: return nullptr;
  }
}

CastKernel portable_narrow(DType to) noexcept {
  switch (to) {
    case DType::float16: return narrow_loop<std::uint16_t, narrow<kFloat16>>;
    case DType::bfloat16: return narrow_loop<std::uint16_t, narrow<kBFloat16>>;
    case DType::float8_e5m2: return narrow_loop<std::uint8_t, narrow<kFloat8E5M2>>;
    case DType::float8_e4m3fn: return narrow_loop<std::uint8_t, narrow<kFloat8E4M3Fn>>;
    case DType::float8_e5m2fnuz: return narrow_loop<std::uint8_t, narrow<kFloat8E5M2Fnuz>>;
    case DType::float8_e4m3fnuz: return narrow_loop<std::uint8_t, narrow<kFloat8E4M3Fnuz>>;
    case DType::float8_e8m0fnu: return narrow_loop<std::uint8_t, narrow_scale>;
    default: return nullptr;
  }
}

}  // namespace sconce::tensor
