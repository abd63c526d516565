#include "tensor/numpy_code.h"

#include <array>

namespace sconce::tensor {
namespace {

struct Code {
  std::string_view name;
  DType dtype;
};

constexpr std::array<Code, 14> kCodes = {{
    {"f8", DType::float64},
    {"f4", DType::float32},
    {"f2", DType::float16},
    {"i8", DType::int64},
    {"i4", DType::int32},
    {"i2", DType::int16},
    {"i1", DType::int8},
    {"u8", DType::uint64},
    {"u4", DType::uint32},
    {"u2", DType::uint16},
    {"u1", DType::uint8},
    {"b1", DType::boolean},
    {"c8", DType::complex64},
    {"c16", DType::complex128},
}};

}  // namespace

std::string_view numpy_code(DType dtype) noexcept {
  for (const Code& code : kCodes)
    if (code.dtype == dtype) return code.name;
  return {};
}

std::optional<DType> dtype_of_numpy_code(std::string_view name) noexcept {
  for (const Code& code : kCodes)
    if (code.name == name) return code.dtype;
  return std::nullopt;
}

}  // namespace sconce::tensor
