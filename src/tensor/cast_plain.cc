// Casts between float64, float32, integers and bool.
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tensor/cast_kernels.h"

namespace sconce::tensor {
namespace {

/// A byte of a bool tensor, whatever it holds.
struct BoolByte {
  std::uint8_t byte;
};

/// Toward zero, and `Wide`'s smallest number for NaN and what `Wide` cannot hold: the processor's own conversion.
template <typename Wide, typename From>
Wide truncated(From value) noexcept {
  constexpr Wide kSmallest = Wide{1} << (sizeof(Wide) * 8 - 1);
  // In From, -2^31 (or -2^63) is exact, and so is its opposite.
  constexpr From kLow = static_cast<From>(static_cast<std::make_signed_t<Wide>>(kSmallest));
  // float64 holds numbers between -2^31 - 1 and -2^31, which become -2^31 either way.
  return value >= kLow && value < -kLow ? static_cast<Wide>(static_cast<std::make_signed_t<Wide>>(value)) : kSmallest;
}

/// What PyTorch makes of a number on x86-64, and of one that `To` cannot hold, too.
template <typename To, typename From>
To to_integer(From value) noexcept {
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    constexpr From kHalf = static_cast<From>(9223372036854775808.0);
    if (value >= kHalf) return truncated<std::uint64_t>(value - kHalf) ^ std::uint64_t{1} << 63;
    return truncated<std::uint64_t>(value);
  } else if constexpr (std::is_same_v<To, std::int64_t> || std::is_same_v<To, std::uint32_t> ||
                       std::is_same_v<To, std::uint8_t>) {
    return static_cast<To>(truncated<std::uint64_t>(value));
  } else {
    return static_cast<To>(truncated<std::uint32_t>(value));
  }
}

template <typename To, typename From>
To converted(From value) noexcept {
  if constexpr (std::is_same_v<From, BoolByte>) {
    return converted<To>(static_cast<std::uint8_t>(value.byte != 0 ? 1 : 0));
  } else if constexpr (std::is_same_v<To, BoolByte>) {
    return {static_cast<std::uint8_t>(value != From{} ? 1 : 0)};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return to_integer<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <typename From, typename To>
void cast_loop(const std::byte* in, std::byte* out, std::size_t count, CastInto) {
  for (std::size_t at = 0; at < count; ++at) {
    From value;
    std::memcpy(&value, in + at * sizeof value, sizeof value);
    const To result = converted<To>(value);
    std::memcpy(out + at * sizeof result, &result, sizeof result);
  }
}

/// Calls `use` with a value of the type that elements of `dtype` have.
template <typename Use>
CastKernel with_type(DType dtype, Use&& use) noexcept {
  switch (dtype) {
    case DType::float64: return use(double{});
    case DType::float32: return use(float{});
    case DType::int64: return use(std::int64_t{});
    case DType::int32: return use(std::int32_t{});
    case DType::int16: return use(std::int16_t{});
    case DType::int8: return use(std::int8_t{});
    case DType::uint64: return use(std::uint64_t{});
    case DType::uint32: return use(std::uint32_t{});
    case DType::uint16: return use(std::uint16_t{});
    case DType::uint8: return use(std::uint8_t{});
    case DType::boolean: return use(BoolByte{});
    default: return nullptr;
  }
}

}  // namespace

CastKernel plain_kernel(DType from, DType to) noexcept {
  return with_type(from, [to](auto in) {
    return with_type(to, [](auto out) -> CastKernel { return cast_loop<decltype(in), decltype(out)>; });
  });
}

}  // namespace sconce::tensor
