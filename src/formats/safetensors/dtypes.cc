#include "formats/safetensors/dtypes.h"

#include <array>

#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

struct CodeInfo {
  std::string_view name;
  std::uint8_t bits;
  DType dtype;
};

// In the order of Code.
constexpr std::array<CodeInfo, 22> kCodes = {{
    {"BOOL", 8, DType::boolean},
    {"F4", 4, DType::float4_e2m1fn_x2},
    {"F6_E2M3", 6, DType::float6_e2m3},
    {"F6_E3M2", 6, DType::float6_e3m2},
    {"U8", 8, DType::uint8},
    {"I8", 8, DType::int8},
    {"F8_E5M2", 8, DType::float8_e5m2},
    {"F8_E4M3", 8, DType::float8_e4m3fn},
    {"F8_E8M0", 8, DType::float8_e8m0fnu},
    {"F8_E4M3FNUZ", 8, DType::float8_e4m3fnuz},
    {"F8_E5M2FNUZ", 8, DType::float8_e5m2fnuz},
    {"I16", 16, DType::int16},
    {"U16", 16, DType::uint16},
    {"F16", 16, DType::float16},
    {"BF16", 16, DType::bfloat16},
    {"I32", 32, DType::int32},
    {"U32", 32, DType::uint32},
    {"F32", 32, DType::float32},
    {"C64", 64, DType::complex64},
    {"F64", 64, DType::float64},
    {"I64", 64, DType::int64},
    {"U64", 64, DType::uint64},
}};

const CodeInfo& info_of(Code code) noexcept { return kCodes[static_cast<std::size_t>(code)]; }

/// The dtype whose bytes stand for those of a dtype that the format lacks.
Code stand_in(DType dtype) noexcept {
  switch (dtype) {
    case DType::complex128: return Code::f64;
    case DType::complex32: return Code::f16;
    case DType::bcomplex32: return Code::bf16;
    case DType::qint8: return Code::i8;
    case DType::qint32: return Code::i32;
    case DType::bits16: return Code::u16;
    default: return Code::u8;  // quint8, bits8 and those that pack several values in a byte
  }
}

}  // namespace

std::string_view to_string(Code code) noexcept { return info_of(code).name; }
unsigned bits_of(Code code) noexcept { return info_of(code).bits; }
DType dtype_of(Code code) noexcept { return info_of(code).dtype; }

std::optional<Code> code_from_string(std::string_view name) noexcept {
  for (std::size_t at = 0; at < kCodes.size(); ++at)
    if (kCodes[at].name == name) return static_cast<Code>(at);
  return std::nullopt;
}

Spelling spelling_of(DType dtype, std::span<const std::int64_t> shape) {
  Spelling spelling{.code = stand_in(dtype), .shape = {shape.begin(), shape.end()}};
  for (std::size_t at = 0; at < kCodes.size(); ++at)
    if (kCodes[at].dtype == dtype) spelling.code = static_cast<Code>(at);
  if (dtype == DType::float4_e2m1fn_x2) {
    // The header counts values, PyTorch counts bytes of two: the last dimension is doubled, as the reference does it.
    spelling.exact = !shape.empty();
    if (shape.empty())
      spelling.shape.push_back(2);
    else
      spelling.shape.back() *= 2;
    return spelling;
  }
  spelling.exact = dtype_of(spelling.code) == dtype;
  if (spelling.exact) return spelling;
  if (info(dtype).is_complex) {
    spelling.shape.push_back(2);
  } else if (info(dtype).bits < 8) {
    const std::uint64_t numel = tensor::numel_of(shape).value_or(0);
    spelling.shape = {static_cast<std::int64_t>(bytes_of(dtype, numel).value_or(0))};
  }
  return spelling;
}

}  // namespace sconce::formats::safetensors
