// Element types: every dtype of PyTorch 2.14, and those of safetensors that PyTorch lacks.
#pragma once

#include <bit>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// The type of a tensor's elements. Names are PyTorch's, without `torch.`.
enum class DType : std::uint8_t {
  float64, float32, float16, bfloat16,
  float8_e5m2, float8_e4m3fn, float8_e5m2fnuz, float8_e4m3fnuz, float8_e8m0fnu,
  float4_e2m1fn_x2,                        ///< two values in a byte; one element is one byte, as in PyTorch
  float6_e2m3, float6_e3m2,                ///< safetensors only: four values in three bytes
  int64, int32, int16, int8,
  uint64, uint32, uint16, uint8,
  boolean,                                 ///< `torch.bool`: one byte
  complex128, complex64, complex32, bcomplex32,
  qint8, quint8, qint32,
  quint4x2, quint2x4,                      ///< two / four values in a byte, low bits first
  bits1x8, bits2x4, bits4x2, bits8, bits16,
};

inline constexpr std::size_t kDTypeCount = static_cast<std::size_t>(DType::bits16) + 1;

/// What is known of a dtype.
struct DTypeInfo {
  std::string_view name;         ///< "float32", "bool", "float8_e4m3fn" …
  std::uint8_t bits;             ///< of one element; below 8 for quint4x2, quint2x4, float6_*
  std::uint8_t swap_unit;        ///< bytes that change order together: 4 for float32 and complex64, 1 for single bytes
  bool is_floating_point;
  bool is_complex;
  bool is_signed;
  bool is_quantized;
};

[[nodiscard]] const DTypeInfo& info(DType dtype) noexcept;
/// PyTorch's name without `torch.`.
[[nodiscard]] std::string_view to_string(DType dtype) noexcept;
/// The dtype of that name; nothing where there is none.
[[nodiscard]] std::optional<DType> dtype_from_string(std::string_view name) noexcept;
/// Bytes that `numel` elements take, rounded up to a whole byte; nothing where that overflows 64 bits.
[[nodiscard]] std::optional<std::uint64_t> bytes_of(DType dtype, std::uint64_t numel) noexcept;
/// `element_size()` as PyTorch has it: 1 where elements share a byte.
[[nodiscard]] std::size_t element_size(DType dtype) noexcept;

/// IEEE half precision, as bits; converts to float.
struct Float16 {
  std::uint16_t bits = 0;
  explicit operator float() const noexcept;
  friend bool operator==(Float16, Float16) = default;
};

/// The upper half of a float32, as bits; converts to float.
struct BFloat16 {
  std::uint16_t bits = 0;
  explicit operator float() const noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
  friend bool operator==(BFloat16, BFloat16) = default;
};

namespace detail {
template <typename T> struct DTypeOf;  // no definition: this C++ type has no dtype; use data<std::byte>()
template <> struct DTypeOf<double> { static constexpr DType value = DType::float64; };
template <> struct DTypeOf<float> { static constexpr DType value = DType::float32; };
template <> struct DTypeOf<Float16> { static constexpr DType value = DType::float16; };
template <> struct DTypeOf<BFloat16> { static constexpr DType value = DType::bfloat16; };
template <> struct DTypeOf<std::int64_t> { static constexpr DType value = DType::int64; };
template <> struct DTypeOf<std::int32_t> { static constexpr DType value = DType::int32; };
template <> struct DTypeOf<std::int16_t> { static constexpr DType value = DType::int16; };
template <> struct DTypeOf<std::int8_t> { static constexpr DType value = DType::int8; };
template <> struct DTypeOf<std::uint64_t> { static constexpr DType value = DType::uint64; };
template <> struct DTypeOf<std::uint32_t> { static constexpr DType value = DType::uint32; };
template <> struct DTypeOf<std::uint16_t> { static constexpr DType value = DType::uint16; };
template <> struct DTypeOf<std::uint8_t> { static constexpr DType value = DType::uint8; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };
template <> struct DTypeOf<std::complex<double>> { static constexpr DType value = DType::complex128; };
template <> struct DTypeOf<std::complex<float>> { static constexpr DType value = DType::complex64; };
}  // namespace detail

/// The dtype that a C++ type stands for: `dtype_of<float>` is `DType::float32`.
template <typename T> inline constexpr DType dtype_of = detail::DTypeOf<T>::value;

}  // namespace v0
}  // namespace sconce
