#include <sconce/dtype.h>

#include <array>

namespace sconce {
inline namespace v0 {
namespace {

enum Kind : std::uint8_t { kFloat, kUnsignedFloat, kSigned, kUnsigned, kComplex, kQuantSigned, kQuantUnsigned };

constexpr DTypeInfo make(std::string_view name, std::uint8_t bits, std::uint8_t swap_unit, Kind kind) {
  return {
      .name = name,
      .bits = bits,
      .swap_unit = swap_unit,
      .is_floating_point = kind == kFloat || kind == kUnsignedFloat,
      .is_complex = kind == kComplex,
      .is_signed = kind == kFloat || kind == kSigned || kind == kComplex || kind == kQuantSigned,
      .is_quantized = kind == kQuantSigned || kind == kQuantUnsigned,
  };
}

// In the order of DType. PyTorch has no answer to "is it signed" for quantised dtypes and bits; here the integers that
// are stored decide, and bits count as unsigned.
constexpr std::array<DTypeInfo, kDTypeCount> kInfo = {{
    make("float64", 64, 8, kFloat),
    make("float32", 32, 4, kFloat),
    make("float16", 16, 2, kFloat),
    make("bfloat16", 16, 2, kFloat),
    make("float8_e5m2", 8, 1, kFloat),
    make("float8_e4m3fn", 8, 1, kFloat),
    make("float8_e5m2fnuz", 8, 1, kFloat),
    make("float8_e4m3fnuz", 8, 1, kFloat),
    make("float8_e8m0fnu", 8, 1, kUnsignedFloat),
    make("float4_e2m1fn_x2", 8, 1, kFloat),
    make("float6_e2m3", 6, 1, kFloat),
    make("float6_e3m2", 6, 1, kFloat),
    make("int64", 64, 8, kSigned),
    make("int32", 32, 4, kSigned),
    make("int16", 16, 2, kSigned),
    make("int8", 8, 1, kSigned),
    make("uint64", 64, 8, kUnsigned),
    make("uint32", 32, 4, kUnsigned),
    make("uint16", 16, 2, kUnsigned),
    make("uint8", 8, 1, kUnsigned),
    make("bool", 8, 1, kUnsigned),
    make("complex128", 128, 8, kComplex),
    make("complex64", 64, 4, kComplex),
    make("complex32", 32, 2, kComplex),
    make("bcomplex32", 32, 2, kComplex),
    make("qint8", 8, 1, kQuantSigned),
    make("quint8", 8, 1, kQuantUnsigned),
    make("qint32", 32, 4, kQuantSigned),
    make("quint4x2", 4, 1, kQuantUnsigned),
    make("quint2x4", 2, 1, kQuantUnsigned),
    make("bits1x8", 8, 1, kUnsigned),
    make("bits2x4", 8, 1, kUnsigned),
    make("bits4x2", 8, 1, kUnsigned),
    make("bits8", 8, 1, kUnsigned),
    make("bits16", 16, 2, kUnsigned),
}};

}  // namespace

const DTypeInfo& info(DType dtype) noexcept { return kInfo[static_cast<std::size_t>(dtype)]; }

std::string_view to_string(DType dtype) noexcept { return info(dtype).name; }

std::optional<DType> dtype_from_string(std::string_view name) noexcept {
  for (std::size_t at = 0; at < kDTypeCount; ++at)
    if (kInfo[at].name == name) return static_cast<DType>(at);
  return std::nullopt;
}

std::optional<std::uint64_t> bytes_of(DType dtype, std::uint64_t numel) noexcept {
  const std::uint64_t bits = info(dtype).bits;
  std::uint64_t bytes = 0;
  if (bits % 8 == 0) {
    if (__builtin_mul_overflow(numel, bits / 8, &bytes)) return std::nullopt;
    return bytes;
  }
  // Eight elements take `bits` bytes; that never overflows where bits is below 8.
  return numel / 8 * bits + (numel % 8 * bits + 7) / 8;
}

std::size_t element_size(DType dtype) noexcept { return (info(dtype).bits + 7U) / 8; }

Float16::operator float() const noexcept {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t rest = bits & 0x7FFFU;
  if (rest >= 0x7C00) return std::bit_cast<float>(sign | 0x7F800000U | (rest & 0x3FF) << 13);  // infinity, NaN
  if (rest >= 0x0400) return std::bit_cast<float>(sign | ((rest << 13) + (112U << 23)));       // bias 15 to 127
  const float magnitude = static_cast<float>(rest) * 0x1p-24F;                                 // subnormal, zero
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

}  // namespace v0
}  // namespace sconce
