// Element types of Sconce and of the libtorch that is compiled against, by their names.
//
// libtorch's list grew (1.13 has 18 types, 2.13 has 46), and its numbers are not promised; the names are.
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sconce/dtype.h>
#include <sconce/error.h>

namespace sconce::inline v0::libtorch {

namespace detail {

/// What c10::toString calls each dtype; the others have the same name in lower case.
inline constexpr std::pair<DType, std::string_view> kScalarTypeNames[] = {
    {DType::float64, "Double"},
    {DType::float32, "Float"},
    {DType::float16, "Half"},
    {DType::bfloat16, "BFloat16"},
    {DType::float8_e5m2, "Float8_e5m2"},
    {DType::float8_e4m3fn, "Float8_e4m3fn"},
    {DType::float8_e5m2fnuz, "Float8_e5m2fnuz"},
    {DType::float8_e4m3fnuz, "Float8_e4m3fnuz"},
    {DType::float8_e8m0fnu, "Float8_e8m0fnu"},
    {DType::float4_e2m1fn_x2, "Float4_e2m1fn_x2"},
    {DType::int64, "Long"},
    {DType::int32, "Int"},
    {DType::int16, "Short"},
    {DType::int8, "Char"},
    {DType::uint64, "UInt64"},
    {DType::uint32, "UInt32"},
    {DType::uint16, "UInt16"},
    {DType::uint8, "Byte"},
    {DType::boolean, "Bool"},
    {DType::complex128, "ComplexDouble"},
    {DType::complex64, "ComplexFloat"},
    {DType::complex32, "ComplexHalf"},
    {DType::bcomplex32, "BComplex32"},
    {DType::qint8, "QInt8"},
    {DType::quint8, "QUInt8"},
    {DType::qint32, "QInt32"},
    {DType::quint4x2, "QUInt4x2"},
    {DType::quint2x4, "QUInt2x4"},
    {DType::bits1x8, "Bits1x8"},
    {DType::bits2x4, "Bits2x4"},
    {DType::bits4x2, "Bits4x2"},
    {DType::bits8, "Bits8"},
    {DType::bits16, "Bits16"},
};

inline std::string_view scalar_type_name(DType dtype) noexcept {
  for (const auto& [type, name] : kScalarTypeNames)
    if (type == dtype) return name;
  return {};
}

}  // namespace detail

/// libtorch's type of that name; nothing where this libtorch has none (float8 before 2.1, uint16 to uint64 before 2.3).
[[nodiscard]] inline std::optional<::c10::ScalarType> find_scalar_type(DType dtype) noexcept {
  const std::string_view name = detail::scalar_type_name(dtype);
  if (name.empty()) return std::nullopt;
  for (int at = 0; at < static_cast<int>(::c10::ScalarType::NumOptions); ++at) {
    const auto type = static_cast<::c10::ScalarType>(at);
    if (name == ::c10::toString(type)) return type;
  }
  return std::nullopt;
}

/// The same. Errors: `unsupported` where this libtorch has no such type.
[[nodiscard]] inline ::c10::ScalarType to_scalar_type(DType dtype) {
  if (const auto type = find_scalar_type(dtype)) return *type;
  throw Error(ErrorCode::unsupported, "this libtorch has no type for " + std::string(to_string(dtype)), {},
              "cast the checkpoint first (Checkpoint::cast), or use a newer libtorch");
}

/// Sconce's dtype for libtorch's. Errors: `unsupported` for types that no file can hold (int1 … uint7).
[[nodiscard]] inline DType to_dtype(::c10::ScalarType type) {
  const std::string_view wanted = ::c10::toString(type);
  for (const auto& [dtype, name] : detail::kScalarTypeNames)
    if (name == wanted) return dtype;
  throw Error(ErrorCode::unsupported, "Sconce has no dtype for libtorch's " + std::string(wanted), {},
              "convert the tensor to another dtype first");
}

}  // namespace sconce::inline v0::libtorch
